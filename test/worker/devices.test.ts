import { describe, expect, it, vi } from 'vitest'

import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

interface Listed {
  readonly id: string
  readonly browser: string
  readonly current: boolean
  readonly seen_at: number
}

async function signedIn(sub = 'ada', environment: Record<string, unknown> = {}): Promise<Browser> {
  world.outside.main.claims = { sub }
  const browser = new Browser('shop.test', environment)
  await browser.signIn()
  return browser
}

async function list(browser: Browser): Promise<readonly Listed[]> {
  const response = await browser.send('/auth/sessions')
  expect(response.status).toBe(200)
  const { sessions }: { sessions: readonly Listed[] } = await response.json()
  return sessions
}

function end(browser: Browser, id = '', site = 'same-origin'): Promise<Response> {
  return browser.send(`/auth/sessions${id === '' ? '' : `/${id}`}`, {
    method: 'DELETE',
    headers: { 'sec-fetch-site': site },
  })
}

async function me(browser: Browser): Promise<unknown> {
  const response = await browser.copy().send('/api/me')
  return response.status === 200 ? 200 : (await problem(response)).reason
}

describe('the devices of a person', () => {
  it('are listed, the newest first, and this one is marked', async () => {
    const laptop = await signedIn()
    pass(5)
    const phone = await signedIn()
    await signedIn('eve')
    const [first, second, third] = await list(laptop)
    expect(third).toBeUndefined()
    expect(first).toMatchObject({ browser: 'Unknown browser', current: false, country: null })
    expect(second).toMatchObject({ current: true })
    expect((await list(phone)).map(({ current }) => current)).toEqual([true, false])
    expect(JSON.stringify(await list(phone))).not.toMatch(/[ar]t-\d+"|eyJ[\w-]+\.eyJ/)
  })

  it('can be ended one by one, or all others at once', async () => {
    const [laptop, phone, tablet] = [await signedIn(), await signedIn(), await signedIn()]
    const phoneId = (await list(phone)).find(({ current }) => current)?.id ?? ''
    expect((await end(laptop, phoneId)).status).toBe(204)
    expect(await me(phone)).toBe('session_revoked')
    expect(await me(tablet)).toBe(200)
    await vi.waitFor(async () => expect(await list(laptop)).toHaveLength(2))
    expect((await end(laptop)).status).toBe(204)
    expect(await me(tablet)).toBe('session_revoked')
    expect(await me(laptop)).toBe(200)
    await vi.waitFor(async () => expect(await list(laptop)).toHaveLength(1))
  })

  it('are nobody else’s to see or to end', async () => {
    const ada = await signedIn('ada')
    const eve = await signedIn('eve')
    const adas = (await list(ada))[0]?.id ?? ''
    expect((await list(eve)).map(({ id }) => id)).not.toContain(adas)
    expect((await end(eve, adas)).status).toBe(404)
    expect(await me(ada)).toBe(200)
    expect(await problem(await end(ada, adas, 'cross-site'))).toEqual({
      status: 403,
      reason: 'cross_site',
    })
    expect(await problem(await new Browser().send('/auth/sessions'))).toEqual({
      status: 401,
      reason: 'session_missing',
    })
  })

  it('are not shown to who was signed out', async () => {
    const laptop = await signedIn()
    const thief = laptop.copy()
    await laptop.post('/auth/logout')
    expect(await problem(await thief.copy().send('/auth/sessions'))).toEqual({
      status: 401,
      reason: 'session_revoked',
    })
  })

  it('are seen when they renew, and forgotten when their time has come', async () => {
    const [laptop, phone] = [await signedIn(), await signedIn()]
    const created = (await list(phone)).find(({ current }) => current)?.seen_at ?? 0
    pass(1000)
    phone.forgetAccess()
    expect((await phone.send('/api/me')).status).toBe(200)
    laptop.forgetAccess()
    expect((await laptop.send('/api/me')).status).toBe(200)
    await vi.waitFor(async () => {
      const seen = (await list(phone)).find(({ current }) => current)?.seen_at ?? 0
      expect(seen).toBeGreaterThanOrEqual(created + 1000)
    })
    pass(1000)
    phone.forgetAccess()
    expect((await phone.send('/api/me')).status).toBe(200)
    pass(1000)
    phone.forgetAccess()
    expect((await phone.send('/api/me')).status).toBe(200)
    pass(300)
    // The laptop's half hour is over, and the quarter of it by which the list may lag.
    await vi.waitFor(async () => expect(await list(phone)).toHaveLength(1))
  })

  it('are not told of every renewal, and lost by none', async () => {
    const phone = await signedIn()
    const seen = async () => (await list(phone))[0]?.seen_at
    const created = await seen()
    pass(400)
    phone.forgetAccess()
    expect((await phone.send('/api/me')).status).toBe(200)
    expect(await seen()).toBe(created)
    // Longer than half an hour after the list was told: the session lives, and is still on it.
    pass(1700)
    phone.forgetAccess()
    expect((await phone.send('/api/me')).status).toBe(200)
    await vi.waitFor(async () => expect(await seen()).toBeGreaterThanOrEqual((created ?? 0) + 2100))
  })

  it('are no more than the site allows: the oldest is signed out', async () => {
    const { env } = await import('cloudflare:workers')
    const { SITES } = env as unknown as { SITES: Record<string, unknown>[] }
    const sites = SITES.map((site) =>
      site['id'] === 'shop' ? { ...site, session: { most: 2 } } : site,
    )
    const [one, two] = [
      await signedIn('ada', { SITES: sites }),
      await signedIn('ada', { SITES: sites }),
    ]
    expect([await me(one), await me(two)]).toEqual([200, 200])
    const three = await signedIn('ada', { SITES: sites })
    expect([await me(one), await me(two), await me(three)]).toEqual(['session_revoked', 200, 200])
  })

  it('keep nobody from signing in where the list does not answer', async () => {
    const DEVICE_OBJECTS = {
      getByName: () => {
        throw new Error('gone')
      },
    }
    const browser = await signedIn('ada', { DEVICE_OBJECTS })
    expect(await me(browser)).toBe(200)
    expect(await problem(await browser.send('/auth/sessions'))).toEqual({
      status: 503,
      reason: 'storage_failed',
    })
    expect(world.log).toContainEqual(expect.objectContaining({ event: 'devices.not_kept' }))
  })
})
