import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'

import { decodeBase64url } from '../../src/base64url.ts'
import type { Environment } from '../../src/platform/environment.ts'
import { Browser, deniedReason, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

const refreshes = () => world.outside.main.count('/token', 'refresh_token')

/** The object behind a browser's session. */
function objectOf(browser: Browser) {
  const id = browser.cookies.get('__Host-Http-sallyport-refresh')?.split('.')[0] ?? ''
  return (env as unknown as Environment).SESSION_OBJECTS.getByName(`shop/${id}`)
}

describe('session', () => {
  it('is renewed inside a request when the access cookie has run out', async () => {
    const browser = new Browser()
    await browser.signIn()
    pass(301)
    const response = await browser.send('/api/me')
    expect(response.status).toBe(200)
    expect(response.headers.getSetCookie()).toHaveLength(2)
    expect(response.headers.get('cache-control')).toBe('private, no-store')
    expect(refreshes()).toBe(1)
    expect((await browser.send('/api/me')).headers.getSetCookie()).toEqual([])
  })

  it('serves one refresh to twenty requests at once', async () => {
    const browser = new Browser()
    await browser.signIn()
    pass(301)
    browser.forgetAccess()
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => browser.copy().send('/api/me')),
    )
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 20 }, () => 200))
    expect(refreshes()).toBe(1)
    const cookies = responses.map((r) =>
      r.headers.getSetCookie().find((line) => line.includes('-refresh=')),
    )
    expect(new Set(cookies).size).toBe(1)
  })

  it('survives the loss of an answer that carried new cookies', async () => {
    const browser = new Browser()
    await browser.signIn()
    pass(301)
    const lost = browser.copy()
    lost.forgetAccess()
    expect((await lost.send('/api/me')).status).toBe(200)
    // The browser never saw that answer, and comes back an hour of suspense later with what it has.
    pass(600)
    browser.forgetAccess()
    expect((await browser.send('/api/me')).status).toBe(200)
    expect((await browser.post('/auth/refresh')).status).toBe(204)
  })

  it('ends when a superseded refresh cookie is used after the grace', async () => {
    const browser = new Browser()
    await browser.signIn()
    const thief = browser.copy()
    thief.forgetAccess()
    expect((await browser.post('/auth/refresh')).status).toBe(204)
    pass(10)
    expect((await browser.post('/auth/refresh')).status).toBe(204)
    // Within the grace it is a request that was in flight.
    expect((await thief.copy().send('/api/me')).status).toBe(200)
    pass(60)
    expect(await problem(await thief.send('/api/me'))).toEqual({
      status: 401,
      reason: 'refresh_cookie_reused',
    })
    expect(world.log.some(({ event }) => event === 'session.refresh_cookie_reused')).toBe(true)
    browser.forgetAccess()
    expect(await problem(await browser.send('/api/me'))).toEqual({
      status: 401,
      reason: 'session_unknown',
    })
  })

  it('is not ended by somebody who guesses a refresh cookie for a session id that he knows', async () => {
    const browser = new Browser()
    await browser.signIn()
    const name = '__Host-Http-sallyport-refresh'
    const [id, number] = (browser.cookies.get(name) ?? '').split('.')
    const guesser = new Browser()
    guesser.cookies.set(name, `${id}.${number}.${'x'.repeat(43)}`)
    expect(await problem(await guesser.send('/api/me'))).toEqual({
      status: 401,
      reason: 'refresh_cookie_unknown',
    })
    guesser.cookies.set(name, 'not a cookie of ours')
    expect(await problem(await guesser.send('/api/me'))).toEqual({
      status: 401,
      reason: 'refresh_cookie_malformed',
    })
    expect((await browser.post('/auth/refresh')).status).toBe(204)
  })

  it('is over after the idle limit, and after the absolute one however often it is renewed', async () => {
    const idle = new Browser()
    await idle.signIn()
    const busy = new Browser()
    await busy.signIn()
    pass(1801)
    idle.forgetAccess()
    expect(await problem(await idle.send('/api/me'))).toEqual({
      status: 401,
      reason: 'session_idle',
    })
    expect((await idle.send('/api/me')).status).toBe(401)
    expect(deniedReason()).toBe('session_unknown')
    const again = new Browser()
    await again.signIn()
    for (let minutes = 0; minutes < 119; minutes += 20) {
      pass(1200)
      again.forgetAccess()
      if (minutes < 100) expect((await again.send('/api/me')).status, String(minutes)).toBe(200)
    }
    expect(await problem(await again.send('/api/me'))).toEqual({
      status: 401,
      reason: 'session_expired',
    })
  })

  it('deletes everything of itself when its time is over', async () => {
    const browser = new Browser()
    await browser.signIn()
    const object = objectOf(browser)
    await runInDurableObject(object, (_, state) =>
      expect(state.storage.kv.get('session')).toBeDefined(),
    )
    // An alarm that comes early, because the session was renewed since, changes nothing.
    await runDurableObjectAlarm(object)
    await runInDurableObject(object, (_, state) =>
      expect(state.storage.kv.get('session')).toBeDefined(),
    )
    pass(1801)
    await runDurableObjectAlarm(object)
    await runInDurableObject(object, async (_, state) =>
      expect((await state.storage.list()).size).toBe(0),
    )
  })

  it('keeps provider tokens sealed at rest', async () => {
    const browser = new Browser()
    await browser.signIn()
    await runInDurableObject(objectOf(browser), (_, state) => {
      const stored = state.storage.kv.get<{ sealed: string }>('session')!
      // Nothing lies beside what is sealed. That is random text, which may hold any three letters: it is read as bytes.
      expect(stored).toEqual({ site: 'shop', sealed: expect.stringMatching(/^[\w-]{200,}$/) })
      const bytes = decodeBase64url(stored.sealed)!
      expect(new TextDecoder('latin1').decode(bytes)).not.toMatch(/[ar]t-\d+"|eyJ[\w-]{9}|"ada"/)
    })
  })

  it('tells the page who is signed in without sliding, and never shows a token', async () => {
    const browser = new Browser()
    await browser.signIn()
    pass(1000)
    browser.forgetAccess()
    const cookies = new Map(browser.cookies)
    const response = await browser.send('/auth/session')
    const text = await response.clone().text()
    expect(text).not.toMatch(/eyJ|at-\d|rt-\d|ses_/)
    expect(await response.json()).toMatchObject({ sub: 'ada', expires_at: null })
    expect(response.headers.getSetCookie()).toEqual([])
    expect(browser.cookies).toEqual(cookies)
    expect(refreshes()).toBe(0)
    pass(801)
    expect((await browser.send('/auth/session')).status).toBe(401)
  })

  it('answers null for nobody when the page asks for that', async () => {
    const response = await new Browser().send('/auth/session?anonymous=null')
    expect(response.status).toBe(200)
    expect(await response.json()).toBeNull()
    expect(await problem(await new Browser().send('/auth/session'))).toEqual({
      status: 401,
      reason: 'session_missing',
    })
  })

  it('carries claims that are too large for a cookie all the same', async () => {
    world.outside.main.claims = {
      name: 'Ada',
      groups: Array.from({ length: 400 }, (_, i) => `group-${i}`),
    }
    const browser = new Browser()
    await browser.signIn()
    expect(browser.cookies.get('__Host-Http-sallyport-access')?.length).toBeLessThan(3600)
    const session = (await (await browser.send('/auth/session')).json()) as {
      claims: { groups: string[] }
    }
    expect(session.claims.groups).toHaveLength(400)
    expect((await browser.send('/api/me')).status).toBe(200)
    const copy = browser.copy()
    await browser.post('/auth/logout')
    expect(await problem(await copy.send('/api/me'))).toEqual({
      status: 401,
      reason: 'session_unknown',
    })
  })
})
