import type { JWK } from 'jose'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { createWorld, endWorld, type World } from '../world/world.ts'
import { otherSealKey, sealKey } from '../world/vars.ts'
import { partOf } from '../world/keys.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World

beforeEach(async () => {
  world = await createWorld()
  await world.browser.signIn()
})
afterEach(endWorld)

/** The header of the assertion that the origin gets. */
async function asserted(): Promise<Record<string, unknown>> {
  expect((await world.browser.call('/api/x')).status).toBe(200)
  const assertion = world.received.at(-1)?.headers.get('authorization')?.slice(7) ?? ''
  return partOf(assertion, 0)
}

async function published(): Promise<readonly JWK[]> {
  const response = await world.browser.visit('/.well-known/jwks.json')
  const { keys }: { readonly keys: readonly JWK[] } = await response.json()
  return keys
}

/** Everything that a set of before can have been kept for: the site's defaults. */
const overlap = 3725

describe('the keys of a site', () => {
  it('turn to another algorithm in stages when the configuration does', async () => {
    const first = await asserted()
    expect(first['alg']).toBe('ES256')
    const site = { assertion: { algorithm: 'EdDSA' } }
    await world.restart({ site })
    expect(await asserted()).toEqual(first)
    expect(new Set((await published()).map(({ alg }) => alg))).toEqual(new Set(['ES256', 'EdDSA']))
    world.wait(overlap - 1)
    await world.browser.signIn()
    expect(await asserted()).toEqual(first)
    world.wait(61)
    const second = await asserted()
    expect(second['alg']).toBe('EdDSA')
    expect((await published()).map(({ kid }) => kid)).toContain(first['kid'])
    // Back again: the same, the other way.
    await world.restart({})
    expect(await asserted()).toEqual(second)
  })

  it('stay when the seal keys turn over, and the old one is dropped in the end', async () => {
    const first = await asserted()
    const before = await published()
    await world.restart({ env: { SEAL_KEYS: `${otherSealKey},${sealKey}` } })
    expect(await asserted()).toEqual(first)
    await world.restart({ env: { SEAL_KEYS: otherSealKey } })
    await world.browser.signIn()
    expect(await asserted()).toEqual(first)
    expect(await published()).toEqual(before)
  })
})

describe('a key of a site', () => {
  it('is dropped with the seal key that was dropped at once', async () => {
    const first = await asserted()
    await world.restart({ env: { SEAL_KEYS: otherSealKey } })
    await world.browser.signIn()
    const second = await asserted()
    expect(second['kid']).not.toBe(first['kid'])
    const kids = (await published()).map(({ kid }) => kid)
    expect(kids).toHaveLength(2)
    expect(kids).toContain(second['kid'])
    expect(kids).not.toContain(first['kid'])
    expect(world.logged.filter(({ event }) => event === 'signing_key.replaced')).toMatchObject([
      { kid: first['kid'] },
    ])
  })
})
