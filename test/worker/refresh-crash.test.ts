import { abortAllDurableObjects } from 'cloudflare:test'
import { beforeEach, describe, expect, it, vi } from 'vitest'

import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

let browser: Browser

beforeEach(async () => {
  browser = new Browser()
  await browser.signIn()
  // The provider's token runs out with the access cookie: whoever renews now needs the provider.
  pass(601)
  browser.forgetAccess()
})

/** The refresh tokens that the provider received, in order. */
function sent(): readonly string[] {
  return world.outside.main.asked.flatMap(({ path, form }) => {
    const token = form.get('refresh_token')
    return path === '/token' && token !== null ? [token] : []
  })
}

async function renew(): Promise<unknown> {
  const response = await browser.send('/api/me')
  return response.status === 200 ? 200 : (await problem(response)).reason
}

/** The provider takes the request and does not answer, until told to. */
function hang(): () => void {
  let go: () => void = () => undefined
  const gone = new Promise<void>((resolve) => (go = resolve))
  world.outside.main.instead.set('/token', async () => {
    await gone
    return new Response(null, { status: 500 })
  })
  return go
}

/** The object goes away while a refresh is under way, as in a crash. */
async function crashDuringRefresh(): Promise<void> {
  const before = sent().length
  hang()
  const renewing = renew().catch(() => 'gone')
  await vi.waitFor(() => expect(sent()).toHaveLength(before + 1))
  await abortAllDurableObjects()
  await renewing
  world.outside.main.instead.clear()
}

describe('a refresh at the provider', () => {
  it('that crashed is tried once more with the same token, and then goes on as ever', async () => {
    await crashDuringRefresh()
    expect(await renew()).toBe(200)
    const [first, second] = sent()
    expect(second).toBe(first)
    pass(601)
    browser.forgetAccess()
    expect(await renew()).toBe(200)
    expect(new Set(sent()).size).toBe(2)
    expect(sent()).toHaveLength(3)
  })

  it('that crashed twice is not tried a third time: the session ends', async () => {
    await crashDuringRefresh()
    await crashDuringRefresh()
    expect(await renew()).toBe('grant_revoked')
    expect(sent()).toHaveLength(2)
    expect(await renew()).toBe('session_unknown')
    expect(world.log).toContainEqual(expect.objectContaining({ event: 'session.refresh_lost' }))
  })

  it('that crashed after the provider had rotated costs the session, and no other', async () => {
    await crashDuringRefresh()
    world.outside.main.instead.set('/token', () =>
      Response.json({ error: 'invalid_grant' }, { status: 400 }),
    )
    expect(await renew()).toBe('grant_revoked')
    world.outside.main.instead.clear()
    const other = new Browser()
    await other.signIn()
    expect((await other.send('/api/me')).status).toBe(200)
  })

  it('is kept where it comes later than people wait', async () => {
    const { main } = world.outside
    main.instead.set('/token', async () => {
      await scheduler.wait(1500)
      const tokens = { access_token: 'at-late', refresh_token: 'rt-late', expires_in: 600 }
      return Response.json({ token_type: 'Bearer', ...tokens })
    })
    expect(await renew()).toBe('provider_slow')
    await scheduler.wait(1000)
    main.instead.clear()
    // Nobody is asked again: what came is there.
    expect(await renew()).toBe(200)
    expect(sent()).toHaveLength(1)
    pass(601)
    browser.forgetAccess()
    expect(await renew()).toBe(200)
    expect(sent()).toEqual([expect.stringMatching(/^rt-\d+$/), 'rt-late'])
  })

  it('is not waited for by somebody who signs out, and brings nothing back', async () => {
    const { main } = world.outside
    main.instead.set('/token', async () => {
      await scheduler.wait(700)
      const tokens = { access_token: 'at-late', refresh_token: 'rt-late', expires_in: 600 }
      return Response.json({ token_type: 'Bearer', ...tokens })
    })
    const renewing = renew()
    await vi.waitFor(() => expect(sent()).toHaveLength(1))
    const start = Date.now()
    await browser.copy().post('/auth/logout')
    expect(Date.now() - start).toBeLessThan(600)
    expect(await renewing).toBe('session_unknown')
    // The token that came for nobody is given back.
    await vi.waitFor(() => {
      const revoked = main.asked.filter(({ path }) => path === '/revoke')
      expect(revoked.map(({ form }) => form.get('token'))).toContain('rt-late')
    })
  })

  it('is tried again and again while the provider cannot be reached', async () => {
    const { main } = world.outside
    for (const answer of [
      () => Promise.reject(new TypeError('refused')),
      () => new Response(null, { status: 503 }),
      () => Response.json({ error: 'invalid_client' }, { status: 401 }),
    ]) {
      main.instead.set('/token', answer)
      for (let i = 0; i < 3; i++) expect(String(await renew())).toMatch(/^provider_/)
    }
    main.instead.clear()
    expect(await renew()).toBe(200)
  })
})
