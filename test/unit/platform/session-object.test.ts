import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { SessionObject } from '../../../src/platform/session-object.ts'
import { Browser, createWorld, endWorld, reasonOf, type World } from '../world/world.ts'
import { writtenSite } from '../world/vars.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World
let browser: Browser

beforeEach(async () => {
  world = await createWorld()
  browser = world.browser
  await browser.signIn()
})
afterEach(endWorld)

const refresh = (who = browser) => who.call('/auth/refresh', { method: 'POST' })

function copyOf(original: Browser): Browser {
  const copy = new Browser(world)
  for (const [name, value] of original.jar) copy.jar.set(name, value)
  return copy
}

describe('a session object', () => {
  it('keeps nothing in the clear', () => {
    const kept = [...world.storage].filter(([name]) => name.startsWith('SessionObject'))
    expect(kept).toHaveLength(1)
    expect(JSON.stringify(kept.map(([, values]) => [...values]))).not.toMatch(
      /ada|access-|refresh-/,
    )
  })

  it('costs the provider one refresh for twenty requests at once', async () => {
    world.wait(300)
    browser.jar.delete('__Host-Http-sallyport-access')
    const tabs = Array.from({ length: 20 }, () => copyOf(browser))
    const answers = await Promise.all(tabs.map((tab) => tab.call('/api/x')))
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(world.provider.asked.filter((path) => path === '/token')).toHaveLength(2)
    expect(new Set(tabs.map((tab) => tab.cookie('refresh'))).size).toBe(1)
  })

  it('ends with everything it gave when a copied refresh cookie comes back', async () => {
    const [thief, inFlight] = [copyOf(browser), copyOf(browser)]
    expect((await refresh()).status).toBe(204)
    expect((await refresh()).status).toBe(204)
    expect((await refresh(inFlight)).status).toBe(204)
    world.wait(31)
    expect(await reasonOf(await refresh(thief))).toBe('refresh_cookie_reused')
    expect(await reasonOf(await refresh())).toBe('session_unknown')
  })

  it('is over when nobody used it, and when its time has come', async () => {
    await world.restart({ site: { session: { absolute: '31m' } } })
    world.wait(1799)
    expect((await refresh()).status).toBe(204)
    world.wait(61)
    expect(await reasonOf(await refresh())).toBe('session_expired')
    await browser.signIn()
    world.wait(1800)
    expect(await reasonOf(await refresh())).toBe('session_idle')
  })

  it('ends when the provider takes the grant back or names somebody else', async () => {
    world.wait(300)
    world.provider.claims = { sub: 'eve' }
    expect(await reasonOf(await refresh())).toBe('subject_changed')
    world.provider.claims = {}
    await browser.signIn()
    world.wait(300)
    const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    world.provider.instead.set('/token', refused)
    expect(await reasonOf(await refresh())).toBe('grant_revoked')
    expect(await reasonOf(await refresh())).toBe('session_unknown')
  })

  it('outlives an outage of the provider for as long as the provider’s token holds', async () => {
    world.provider.instead.set('/token', () => new Response('down', { status: 503 }))
    world.wait(250)
    expect((await refresh()).status).toBe(204)
    world.wait(100)
    const failed = await refresh()
    expect(failed.status).toBe(503)
    expect(await reasonOf(failed)).toBe('provider_failed')
    world.provider.instead.clear()
    expect((await refresh()).status).toBe(204)
  })

  it('opens for no other site, though the id and the cookie are right', async () => {
    await world.restart({
      env: { SITES: [writtenSite, { ...writtenSite, id: 'blog', hosts: ['blog.example.com'] }] },
    })
    expect((await refresh()).status).toBe(204)
    const other = await browser.call('https://blog.example.com/auth/refresh', { method: 'POST' })
    expect(await reasonOf(other)).toBe('session_unknown')
    // Nor does it where both sites would come to the very same object
    const { SESSION_OBJECTS: objects } = world.env
    const name = [...world.storage.keys()].find((key) => key.startsWith('SessionObject shop/'))
    const id = name!.split('/')[1]!
    const object = objects.getByName(`shop/${id}`) as unknown as SessionObject
    const [, number, mac] = browser.cookie('refresh')!.split('.')
    const cookie = { sessionId: id as `ses_${string}`, number: Number(number), mac: mac! }
    expect(await object.renew('blog', cookie)).toMatchObject({
      value: { ok: false, denial: { reason: 'session_unknown' } },
    })
    expect(await object.renew('shop', cookie)).toMatchObject({ value: { ok: true } })
  })
})
