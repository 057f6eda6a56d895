import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createWorld, endWorld, reasonOf, type World } from '../world/world.ts'
import { otherSealKey, sealKey } from '../world/vars.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World

beforeEach(async () => {
  world = await createWorld()
  await world.browser.signIn()
})
afterEach(endWorld)

/** The same deployment with these seal keys, in a fresh isolate. */
const deploy = (keys: string) => world.restart({ env: { SEAL_KEYS: keys } })

const call = async () => {
  const response = await world.browser.call('/api/x')
  return response.status === 200 ? 200 : reasonOf(response)
}

describe('the seal keys', () => {
  it('turn over without signing anybody out', async () => {
    expect(await call()).toBe(200)
    // A new head seals from now on; the old key still opens.
    await deploy(`${otherSealKey},${sealKey}`)
    expect(await call()).toBe(200)
    world.wait(301)
    world.browser.jar.delete('__Host-Http-sallyport-access')
    expect(await call()).toBe(200)
    // What the renewal stored and handed out is sealed by the head: the old key may go.
    await deploy(otherSealKey)
    expect(await call()).toBe(200)
    world.wait(301)
    world.browser.jar.delete('__Host-Http-sallyport-access')
    expect(await call()).toBe(200)
  })

  it('that are dropped end what they sealed, and nothing else', async () => {
    await deploy(otherSealKey)
    expect(await call()).toBe('session_unknown')
    await world.browser.signIn()
    expect(await call()).toBe(200)
  })
})
