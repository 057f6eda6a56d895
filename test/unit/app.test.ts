import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createWorld, endWorld, reasonOf, start, type World } from './world/world.ts'

vi.mock('cloudflare:workers', () => import('./world/runtime.ts'))

let world: World

beforeEach(async () => {
  world = await createWorld()
})
afterEach(endWorld)

function program(url: string, init: RequestInit = {}): Request {
  return new Request(url, { ...init, headers: { accept: 'application/json', ...init.headers } })
}

describe('answering a request', () => {
  it('signs a person in and forwards who it is', async () => {
    const signedIn = await world.browser.signIn('?return_to=/api/orders')
    expect(signedIn.status).toBe(303)
    expect(signedIn.headers.get('location')).toBe('https://shop.example.com/api/orders')
    const orders = await world.browser.call('/api/orders')
    expect(await orders.text()).toBe('from the origin')
    const [request] = world.received
    expect(request?.url).toBe('https://api.internal.example/api/orders')
    expect(request?.headers.get('authorization')).toMatch(/^Bearer eyJ/)
    expect(request?.headers.get('cookie')).toBeNull()
  })

  it('refuses a host that no site has', async () => {
    const answer = await world.fetch(program('https://other.example.com/'))
    expect(answer.status).toBe(421)
    expect(await reasonOf(answer)).toBe('site_unknown')
  })

  it('refuses plain http on a site that is not in development', async () => {
    const answer = await world.fetch(program('http://shop.example.com/'))
    expect(await reasonOf(answer)).toBe('scheme_insecure')
  })

  it('refuses an ambiguous address before it looks for a site', async () => {
    const answer = await world.fetch(program('https://shop.example.com/api%2forders'))
    expect(await reasonOf(answer)).toBe('url_ambiguous')
    expect(world.received).toEqual([])
  })

  it('says 405 with the methods that its own endpoints have', async () => {
    const answer = await world.fetch(program('https://shop.example.com/auth/logout'))
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe('POST')
    expect(await reasonOf(answer)).toBe('method_not_allowed')
  })

  it('says 404 below its base path and forwards nothing from there', async () => {
    for (const path of ['/auth/', '/auth/nothing', '/auth/login/']) {
      const answer = await world.fetch(program(`https://shop.example.com${path}`))
      expect(await reasonOf(answer), path).toBe('route_unknown')
    }
    expect(world.received).toEqual([])
  })

  it('says 404 at the base path itself', async () => {
    const answer = await world.fetch(program('https://shop.example.com/auth'))
    expect(await reasonOf(answer)).toBe('route_unknown')
  })

  it('publishes the public halves of its signing keys and nothing else', async () => {
    const answer = await world.fetch(program('https://shop.example.com/.well-known/jwks.json'))
    const { keys } = (await answer.json()) as { keys: Record<string, unknown>[] }
    // The one that signs, and the next.
    expect(keys).toHaveLength(2)
    for (const key of keys) {
      expect(Object.keys(key).toSorted()).toEqual(
        ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'].toSorted(),
      )
    }
  })

  it('names in the log what the wire keeps to itself', async () => {
    await world.browser.visit('/auth/callback?code=1&state=nonsense')
    expect(world.logged).toContainEqual(
      expect.objectContaining({
        event: 'request.denied',
        site: 'shop',
        reason: 'state_unreadable',
        why: 'malformed',
      }),
    )
  })

  it('answers a defect of its own with 500 and no detail', async () => {
    vi.spyOn(crypto.subtle, 'deriveKey').mockRejectedValue(new RangeError('secret detail'))
    const answer = await world.fetch(program('https://shop.example.com/auth/login'))
    expect(answer.status).toBe(500)
    const body = await answer.text()
    expect(body).toContain('"reason":"internal"')
    expect(body).not.toContain('secret detail')
    expect(JSON.stringify(world.logged)).not.toContain('secret detail')
  })

  it('refuses everything under a bad configuration, open routes too', async () => {
    await world.restart({ site: { provider: 'nobody' } })
    const answer = await world.fetch(program('https://shop.example.com/open'))
    expect(answer.status).toBe(503)
    expect(await reasonOf(answer)).toBe('configuration')
    expect(world.received).toEqual([])
    expect(world.logged[0]).toMatchObject({
      event: 'configuration.problem',
      path: 'SITES[0].provider',
    })
  })

  it('reads the time once, when the request arrives', async () => {
    await world.browser.signIn()
    const who = (await (await world.browser.call('/auth/session')).json()) as object
    expect(who).toMatchObject({ sub: 'ada', created_at: start, refresh_by: start + 1800 })
  })
})
