import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { type Browser, createWorld, endWorld, reasonOf, type World } from '../world/world.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World
let browser: Browser

beforeEach(async () => {
  world = await createWorld()
  browser = world.browser
  await browser.signIn()
})
afterEach(endWorld)

const post = { method: 'POST' }
const program = { headers: { accept: 'application/json' } }

describe('asking who is signed in', () => {
  it('tells the page, and slides nothing', async () => {
    const who = await browser.call('/auth/session')
    expect(await who.json()).toMatchObject({ sub: 'ada', claims: { email: 'ada@example.com' } })
    expect(who.headers.getSetCookie()).toEqual([])
    world.wait(400)
    const later = await browser.call('/auth/session')
    expect(await later.json()).toMatchObject({ sub: 'ada', expires_at: null })
    expect(later.headers.getSetCookie()).toEqual([])
  })

  it('says nobody where nobody is', async () => {
    browser.jar.clear()
    expect(await reasonOf(await browser.call('/auth/session'))).toBe('session_missing')
    expect(await (await browser.call('/auth/session?anonymous=null')).json()).toBeNull()
  })
})

describe('refreshing', () => {
  it('gives new cookies to a page of this site', async () => {
    const before = browser.cookie('refresh')
    const renewed = await browser.call('/auth/refresh', post)
    expect(renewed.status).toBe(204)
    expect(browser.cookie('refresh')).not.toBe(before)
  })

  it('refuses what does not hold a good refresh cookie', async () => {
    const name = '__Host-Http-sallyport-refresh'
    const good = browser.cookie('refresh')!
    const refresh = async (value: string | undefined) => {
      if (value === undefined) browser.jar.delete(name)
      else browser.jar.set(name, value)
      return reasonOf(await browser.call('/auth/refresh', post))
    }
    expect(await refresh(undefined)).toBe('session_missing')
    expect(await refresh('x')).toBe('refresh_cookie_malformed')
    expect(await refresh(good.replace(/[^.]{43}$/, 'A'.repeat(43)))).toBe('refresh_cookie_unknown')
    expect(
      await refresh(good.replace('ses_', 'ses_').replace(/_.{22}/, `_${'A'.repeat(22)}`)),
    ).toBe('session_unknown')
    browser.jar.set(name, good)
    expect((await browser.call('/auth/refresh', post)).status).toBe(204)
  })

  it('asks the provider once the access token is near its end', async () => {
    const before = world.provider.asked.length
    world.wait(300)
    await browser.call('/auth/refresh', post)
    expect(world.provider.asked.slice(before)).toContain('/token')
  })
})

describe('signing out', () => {
  it('ends the session, here and at the provider, and deletes the cookies', async () => {
    const cookies = browser.cookieHeader
    const out = await browser.call('/auth/logout', post)
    const { logout_url: url } = (await out.json()) as { logout_url: string }
    expect(url).toMatch(/^https:\/\/id\.example\.com\/logout\?id_token_hint=eyJ/)
    expect(browser.jar.size).toBe(0)
    for (const line of out.headers.getSetCookie()) expect(line).toMatch(/; Secure; HttpOnly/)
    const after = await browser.call('/auth/refresh', { ...post, headers: { cookie: cookies } })
    expect(await reasonOf(after)).toBe('session_unknown')
  })

  it('is refused to another site, and to links', async () => {
    const foreign = { ...post, headers: { ...program.headers, origin: 'https://evil.example' } }
    expect(await reasonOf(await browser.visit('/auth/logout', foreign))).toBe('cross_site')
    expect(await reasonOf(await browser.visit('/auth/refresh', foreign))).toBe('cross_site')
    expect((await browser.visit('/auth/logout')).status).toBe(405)
    expect(browser.cookie('access')).toBeDefined()
  })

  it('leads home where the provider cannot be asked', async () => {
    await world.restart({ provider: { issuer: 'https://id.example.com' } })
    world.provider.metadata = { end_session_endpoint: 'javascript:alert(1)' }
    world.wait(700)
    const out = await browser.visit('/auth/logout', { ...post, headers: { 'x-csrf': '1' } })
    expect(out.status).toBe(303)
  })

  it('deletes the cookies though the storage fails', async () => {
    const broken = { getByName: () => ({ end: async () => Promise.reject(new Error('down')) }) }
    Object.assign(world.env, { SESSION_OBJECTS: broken })
    const out = await browser.call('/auth/logout', post)
    expect(out.headers.getSetCookie()).toHaveLength(2)
  })
})

it('says 503 and ends nothing where the storage fails', async () => {
  const broken = { getByName: () => ({ renew: async () => Promise.reject(new Error('down')) }) }
  Object.assign(world.env, { SESSION_OBJECTS: broken })
  const failed = await browser.call('/auth/refresh', post)
  expect(failed.status).toBe(503)
  expect(await reasonOf(failed)).toBe('storage_failed')
  expect(failed.headers.getSetCookie()).toEqual([])
})

it('refuses headers larger than a browser sends', async () => {
  const cookie = `a=${'x'.repeat(40_000)}`
  const answer = await browser.visit('/api/x', { headers: { ...program.headers, cookie } })
  expect(answer.status).toBe(431)
  expect(await reasonOf(answer)).toBe('headers_too_large')
})
