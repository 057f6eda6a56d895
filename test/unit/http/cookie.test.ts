import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import {
  deleteCookie,
  readOwnCookies,
  setCookie,
  setsOwnCookie,
  withoutOwnCookies,
} from '../../../src/http/cookie.ts'
import { siteOf } from '../world/vars.ts'

const { cookies: names } = siteOf()
const none = { access: undefined, refresh: undefined, logins: new Map() }

describe('reading the cookies of a request', () => {
  it('finds its own among others', () => {
    const logins = `${names.login}1=x; ${names.login}2=`
    const header = `a=b; ${names.access}=A;\t${names.refresh} = R=1 ; c; ${logins}`
    expect(readOwnCookies(header, names)).toEqual({
      ok: true,
      value: { access: 'A', refresh: 'R=1', logins: new Map(Object.entries({ 1: 'x', 2: '' })) },
    })
    expect(readOwnCookies(null, names)).toEqual({ ok: true, value: none })
  })

  it('takes no lookalike for a cookie of its own', () => {
    expect(readOwnCookies(`${names.access}=A`, names)).toMatchObject({ value: { access: 'A' } })
    const lookalikes = [
      `\u00a0${names.access}=evil`,
      `${names.access}\u00a0=evil`,
      `\u2003${names.access}=evil`,
      `\v${names.access}=evil`,
      `${names.access.toUpperCase()}=evil`,
      `${names.access.replace('__Host-Http-', '')}=evil`,
      `x${names.access}=evil`,
      `=${names.access}=evil`,
      names.access,
      `"${names.access}"=evil`,
    ]
    for (const header of lookalikes) {
      expect(readOwnCookies(header, names), header).toEqual({ ok: true, value: none })
    }
  })

  it('refuses a cookie of its own that stands twice', () => {
    const once = `a=1; a=2; ${names.access}=A`
    expect(readOwnCookies(once, names).ok).toBe(true)
    expect(readOwnCookies(`${once}; ${names.access}=B`, names)).toEqual({
      ok: false,
      denial: { reason: 'cookie_duplicated', cookie: names.access },
    })
    expect(readOwnCookies(`${once};${names.access}=A`, names).ok).toBe(false)
    const login = `${names.login}1=x`
    expect(readOwnCookies(`${login}; ${names.login}2=x`, names).ok).toBe(true)
    expect(readOwnCookies(`${login}; ${login}`, names).ok).toBe(false)
  })

  it('refuses a header larger than browsers send', () => {
    expect(readOwnCookies(`a=${'x'.repeat(32_766)}`, names).ok).toBe(true)
    expect(readOwnCookies(`a=${'x'.repeat(32_767)}`, names)).toEqual({
      ok: false,
      denial: { reason: 'headers_too_large' },
    })
  })

  it('never throws, and hands nothing of its own on, whatever the header is', () => {
    const own = fc.constantFrom(names.access, names.refresh, names.login, 'a', '')
    const piece = fc.oneof(own, fc.constantFrom('=', ';', ' ', '\t', '"', 'x'), fc.string())
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const header = pieces.join('')
        readOwnCookies(header, names)
        const left = withoutOwnCookies(header) ?? ''
        expect(readOwnCookies(left, names)).toEqual({ ok: true, value: none })
      }),
    )
  })
})

it('takes its own cookies out of what an origin gets', () => {
  expect(withoutOwnCookies(`a=1; ${names.access}=A; b=2`)).toBe('a=1; b=2')
  expect(withoutOwnCookies(`${names.access}=A; ${names.login}; ${names.refresh}=R`)).toBe(undefined)
})

describe('setting and deleting', () => {
  it('sets a cookie that no script reads and no plain page gets', () => {
    expect(setCookie(names.access, 'A', 60.9, names)).toBe(
      '__Host-Http-sallyport-access=A; Max-Age=60; Path=/; Secure; HttpOnly; SameSite=Lax',
    )
    expect(setCookie(names.access, 'A', -5, names)).toContain('Max-Age=0')
  })

  it('deletes a cookie with the attributes that it was set with', () => {
    const attributesOf = (line: string) => line.split('; ').slice(2)
    const set = setCookie(names.access, 'A', 60, names)
    const deleted = deleteCookie(names.access, names)
    expect(deleted).toMatch(/^__Host-Http-sallyport-access=; Max-Age=0; /)
    // A __Host- cookie whose deletion lacks Secure or Path is not deleted
    expect(attributesOf(deleted)).toEqual(attributesOf(set))
    expect(attributesOf(deleted)).toContain('Secure')
  })

  it('recognises an origin that sets one of its cookies', () => {
    expect(setsOwnCookie('theme=dark')).toBe(false)
    expect(setsOwnCookie(`theme=${names.access}=x`)).toBe(false)
    for (const line of [`${names.access}=x; Path=/`, ` ${names.refresh} =x`, names.login]) {
      expect(setsOwnCookie(line), line).toBe(true)
    }
  })
})

it('is not slowed down by white space, however much of it stands inside', () => {
  // Quadratic time would be a minute here, before anybody has shown a credential.
  const header = `theme=dark; a${' '.repeat(120_000)}b=1; c${'\t'.repeat(120_000)}=2`
  expect(withoutOwnCookies(header)).toBe(header)
})
