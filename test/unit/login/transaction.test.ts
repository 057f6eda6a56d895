import { describe, expect, it } from 'vitest'

import { sha256 } from '../../../src/digest.ts'
import type { OwnCookies } from '../../../src/http/cookie.ts'
import type { LocalPath } from '../../../src/http/return-to.ts'
import {
  checkBrowser,
  loginCookies,
  openTransaction,
  sealTransaction,
  type Transaction,
} from '../../../src/login/transaction.ts'
import { now, seal, site } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const transaction: Transaction = {
  provider: 'main',
  redirectUri: 'https://shop.example.com/auth/callback',
  returnTo: '/' as LocalPath,
  nonce: 'n',
  codeVerifier: 'v',
  acrValues: undefined,
  maxAge: 60,
  id: 'one',
  browser: await sha256('the cookie'),
  sessionId: undefined,
  startedAt: now,
}
const withLogins = (logins: Record<string, string>): OwnCookies => ({
  access: undefined,
  refresh: undefined,
  logins: new Map(Object.entries(logins)),
})
const reasonOf = async (state: string | null, at = now, on = site) => {
  const opened = await openTransaction(seal, on, state, at)
  return opened.ok ? 'opened' : opened.denial.reason
}

describe('state', () => {
  it('opens to the login that was begun', async () => {
    const state = await sealTransaction(seal, site, transaction)
    expect(await openTransaction(seal, site, state, now)).toEqual({ ok: true, value: transaction })
  })

  it('is refused where it is missing, and is not the same as a missing cookie', async () => {
    expect(await reasonOf(await sealTransaction(seal, site, transaction))).toBe('opened')
    expect(await reasonOf(null)).toBe('state_missing')
    expect(await reasonOf('')).toBe('state_missing')
    const nobody = { ...transaction, browser: '' }
    expect((await checkBrowser(nobody, withLogins({ one: '' }))).ok).toBe(false)
  })

  it('is refused when it took too long, was forged or is another site’s', async () => {
    const state = await sealTransaction(seal, site, transaction)
    expect(await reasonOf(state, now + 599)).toBe('opened')
    expect(await reasonOf(state, now + 600)).toBe('login_expired')
    expect(await reasonOf(`${state}x`)).toBe('state_unreadable')
    expect(await reasonOf(state, now, siteOf({ site: { id: 'blog' } }))).toBe('state_unreadable')
    const cookie = await seal.seal(site.id, 'access', transaction, now + 1)
    expect(await reasonOf(cookie)).toBe('state_unreadable')
  })
})

describe('the browser that comes back', () => {
  it('is refused unless it is the one that began the login', async () => {
    const check = async (cookies: OwnCookies) => {
      const checked = await checkBrowser(transaction, cookies)
      return checked.ok ? 'same' : checked.denial.reason
    }
    expect(await check(withLogins({ one: 'the cookie' }))).toBe('same')
    expect(await check(withLogins({}))).toBe('login_cookie_missing')
    expect(await check(withLogins({ two: 'the cookie' }))).toBe('login_cookie_missing')
    expect(await check(withLogins({ one: 'another' }))).toBe('login_cookie_mismatch')
    expect(await check(withLogins({ one: '' }))).toBe('login_cookie_mismatch')
  })

  it('keeps a cookie for each login, and gives the oldest up when they are many', () => {
    expect(loginCookies(site, withLogins({}), 'new', 'v')).toEqual([
      `${site.cookies.login}new=v; Max-Age=600; ${site.cookies.attributes}`,
    ])
    const many = Object.fromEntries(Array.from({ length: 13 }, (_, i) => [`l${String(i)}`, 'v']))
    const lines = loginCookies(site, withLogins(many), 'new', 'v')
    expect(lines.slice(1).map((line) => line.split('=')[0])).toEqual([
      `${site.cookies.login}l0`,
      `${site.cookies.login}l1`,
    ])
    for (const line of lines.slice(1)) expect(line).toContain('Max-Age=0')
  })

  it('gets no cookie back whose name it made up', () => {
    const names = [
      'a b',
      'a\tb',
      'ü',
      'x'.repeat(33),
      ...Array.from({ length: 12 }, (_, i) => `l${String(i)}`),
    ]
    const crafted = withLogins(Object.fromEntries(names.map((name) => [name, 'v'])))
    for (const line of loginCookies(site, crafted, 'new', 'v')) {
      expect(line).toMatch(/^__Host-Http-sallyport-login-[\w-]{1,32}=/)
    }
  })
})
