import { abortAllDurableObjects, runInDurableObject } from 'cloudflare:test'
import { describe, expect, it } from 'vitest'

import type { Ring } from '../../src/keys/ring.ts'
import {
  accept,
  after,
  alarm,
  assertionFrom,
  before,
  KEY_OBJECTS,
  type KeySet,
  kidOf,
  kidsOf,
  month,
  objectOf,
  operate,
  published,
  storedRing,
} from './key-world.ts'
import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

interface Shown {
  readonly keys: { readonly kid: string; readonly state: string }[]
  readonly [member: string]: unknown
}

const eventsOf = (prefix: string) =>
  world.log.filter(({ event }) => String(event).startsWith(prefix))

describe('the published set', () => {
  it('holds the key that signs and the one that will, and is asked for again by its tag', async () => {
    const client = new Browser()
    const response = await client.send('/.well-known/jwks.json')
    expect(response.headers.get('cache-control')).toBe('public, max-age=60')
    const set = (await response.json()) as KeySet
    expect(set.keys).toHaveLength(2)
    for (const key of set.keys) {
      expect(key).toMatchObject({ kty: 'EC', crv: 'P-256', alg: 'ES256', use: 'sig' })
      expect(key).not.toHaveProperty('d')
    }
    const tag = response.headers.get('etag') ?? ''
    const again = () =>
      new Browser().send('/.well-known/jwks.json', { headers: { 'if-none-match': tag } })
    expect((await again()).status).toBe(304)
    await abortAllDurableObjects()
    expect((await again()).status).toBe(304)
    expect((await operate('POST', '/keys/rollover')).status).toBe(200)
    const changed = await again()
    expect(changed.status).toBe(200)
    expect(changed.headers.get('etag')).not.toBe(tag)
  })

  it('is of the algorithm that the site wants', async () => {
    const { keys } = await published(new Browser('admin.test'))
    expect(keys).toMatchObject([
      { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' },
      { kty: 'OKP', crv: 'Ed25519', alg: 'EdDSA' },
    ])
  })
})

describe('a rotation', () => {
  it('comes by alarm: the key that was published signs, the old one stays until its last word is over', async () => {
    const first = await assertionFrom()
    const set = await published()
    await accept(first, set)
    expect(await alarm()).toBe(true)
    expect(await published()).toEqual(set)

    pass(month)
    expect(await alarm()).toBe(true)
    const second = await assertionFrom()
    expect(kidOf(second)).not.toBe(kidOf(first))
    // Whoever has had the old set for a month knows the new key.
    await accept(second, set)
    const turned = await published()
    expect(kidsOf(turned)).toEqual(expect.arrayContaining(kidsOf(set)))
    expect(turned.keys).toHaveLength(3)

    pass(after - 1)
    await alarm()
    expect(kidsOf(await published())).toContain(kidOf(first))
    pass(1)
    await alarm()
    expect(kidsOf(await published())).not.toContain(kidOf(first))
    expect(eventsOf('signing_key.').map(({ event }) => event)).toEqual([
      'signing_key.appeared',
      'signing_key.appeared',
      'signing_key.active',
      'signing_key.appeared',
      'signing_key.active',
      'signing_key.gone',
    ])
  })

  it('happens without an alarm too, as soon as somebody asks', async () => {
    const first = kidOf(await assertionFrom())
    pass(month + 100)
    expect(kidOf(await assertionFrom())).not.toBe(first)
  })

  it('is seen by an isolate within the bound, and costs a warm request no wait', async () => {
    const warm = new Browser()
    const first = kidOf(await assertionFrom(warm))
    pass(before)
    expect(kidOf(await assertionFrom(warm))).toBe(first)
    expect((await operate('POST', '/keys/rotate')).status).toBe(200)
    pass(31)
    // Renewed behind the answer: this request is still signed by what is at hand.
    expect(kidOf(await assertionFrom(warm))).toBe(first)
    await expect.poll(async () => kidOf(await assertionFrom(warm))).not.toBe(first)
  })

  it('leaves the active key where the next one does not fit to what is published', async () => {
    const first = kidOf(await assertionFrom())
    const broken = (await storedRing()).next!
    await runInDurableObject(objectOf(), (_, state) => {
      const ring = state.storage.kv.get<Ring>('ring')!
      const publicJwk = { ...ring.active.publicJwk, kid: broken.kid }
      state.storage.kv.put('ring', { ...ring, next: { ...broken, publicJwk } })
    })
    pass(month)
    await alarm()
    const second = await assertionFrom()
    expect(kidOf(second)).toBe(first)
    await accept(second, await published())
    expect(kidsOf(await published())).not.toContain(broken.kid)
    expect(eventsOf('signing_key.canary_failed')).toMatchObject([{ kid: broken.kid }])
    // Another next key takes its time, and then its turn.
    pass(before)
    await alarm()
    expect(kidOf(await assertionFrom())).not.toBe(first)
  })

  it('is an operator’s to bring about, once origins know the next key', async () => {
    const first = kidOf(await assertionFrom())
    const now = Math.floor(Date.now() / 1000)
    const early = await operate('POST', '/keys/rotate')
    expect(early.status).toBe(409)
    const told = (await early.json()) as { reason: string; detail: string }
    expect(told.reason).toBe('rotation_too_early')
    const from = Number(/^Possible from: (\d+)\.$/.exec(told.detail)?.[1])
    expect(from - now - before).toBeLessThan(10)
    expect(kidOf(await assertionFrom())).toBe(first)

    pass(before)
    const rotated = await operate('POST', '/keys/rotate')
    expect(rotated.status).toBe(200)
    const { keys } = (await rotated.json()) as Shown
    expect(keys.map(({ state }) => state)).toEqual(['next', 'active', 'retiring'])
    expect(keys[2]?.kid).toBe(first)
    expect(kidOf(await assertionFrom())).toBe(keys[1]?.kid)
    expect(eventsOf('operator.')).toMatchObject([
      { event: 'operator.keys_rotated', by: 'https://as.test app', kid: keys[1]?.kid },
    ])
  })
})

describe('a compromised key', () => {
  it('is gone from the set at once, signs nothing past the bound, and is refused by whoever looks again', async () => {
    const [serving, other] = [new Browser(), new Browser()]
    const stolen = await assertionFrom(serving)
    expect(kidOf(await assertionFrom(other))).toBe(kidOf(stolen))
    const known = await published(serving)
    await accept(stolen, known)
    pass(before)
    const fresh = await assertionFrom(serving)
    await accept(fresh, known)

    const body = { kid: kidOf(stolen), reason: 'found in a paste' }
    const response = await operate('POST', '/keys/rollover', { body, client: serving })
    expect(response.status).toBe(200)
    const told = (await response.json()) as Shown
    const at = Math.floor(Date.now() / 1000)
    expect(told).toMatchObject({ distrusted: kidOf(stolen) })
    expect(Number(told['signs_until']) - at - 60).toBeLessThanOrEqual(0)
    expect(Number(told['accepted_until']) - Number(told['signs_until'])).toBe(60)
    // Where the operator was served it is seen at once.
    const set = await published(serving)
    expect(kidsOf(set)).not.toContain(kidOf(stolen))
    await expect(accept(fresh, set)).rejects.toThrow('no applicable key')
    const next = await assertionFrom(serving)
    // The new key was published before, so who has an old copy knows it.
    await accept(next, known)
    await accept(next, set)
    // Everywhere else, by the bound.
    pass(60)
    expect(kidOf(await assertionFrom(other))).toBe(kidOf(next))
    expect(kidsOf(await published(other))).toEqual(kidsOf(set))
    expect(eventsOf('operator.')).toMatchObject([
      {
        event: 'operator.keys_rolled_over',
        by: 'https://as.test app',
        kid: kidOf(stolen),
        reason: 'found in a paste',
      },
    ])
    // Nothing of it is left.
    expect(JSON.stringify(await storedRing())).not.toContain(kidOf(stolen))
  })

  it('is distrusted once, however often that is said', async () => {
    const stolen = kidOf(await assertionFrom())
    const body = { kid: stolen }
    expect((await operate('POST', '/keys/rollover', { body })).status).toBe(200)
    const successor = kidOf(await assertionFrom())
    expect(await problem(await operate('POST', '/keys/rollover', { body }))).toEqual({
      status: 404,
      reason: 'signing_key_unknown',
    })
    expect(kidOf(await assertionFrom())).toBe(successor)
  })

  it('may be the next one, or one that has retired: the active one goes on', async () => {
    const active = kidOf(await assertionFrom())
    const next = (await storedRing()).next!.kid
    expect((await operate('POST', '/keys/rollover', { body: { kid: next } })).status).toBe(200)
    expect(kidOf(await assertionFrom())).toBe(active)
    expect(kidsOf(await published())).not.toContain(next)
    pass(before)
    expect((await operate('POST', '/keys/rotate')).status).toBe(200)
    const successor = kidOf(await assertionFrom())
    expect(kidsOf(await published())).toContain(active)
    expect((await operate('POST', '/keys/rollover', { body: { kid: active } })).status).toBe(200)
    expect(kidsOf(await published())).not.toContain(active)
    expect(kidOf(await assertionFrom())).toBe(successor)
  })

  it('gives way to a new key where the next one does not pass its canary', async () => {
    const stolen = kidOf(await assertionFrom())
    const broken = (await storedRing()).next!
    await runInDurableObject(objectOf(), (_, state) => {
      const ring = state.storage.kv.get<Ring>('ring')!
      state.storage.kv.put('ring', { ...ring, next: { ...broken, publicJwk: { kty: 'EC' } } })
    })
    expect((await operate('POST', '/keys/rollover')).status).toBe(200)
    const assertion = await assertionFrom()
    expect([stolen, broken.kid]).not.toContain(kidOf(assertion))
    await accept(assertion, await published())
  })

  it('signs nothing in an isolate that cannot learn of it', async () => {
    let isDown = false
    const cut = new Browser('shop.test', {
      KEY_OBJECTS: {
        getByName: (name: string) =>
          isDown ? { ring: () => Promise.reject(new Error('away')) } : KEY_OBJECTS.getByName(name),
      },
    })
    await assertionFrom(cut)
    isDown = true
    pass(59)
    await assertionFrom(cut)
    pass(1)
    const headers = { authorization: `Bearer ${await world.outside.as.token()}` }
    expect(await problem(await cut.send('/tokens/x', { headers }))).toEqual({
      status: 503,
      reason: 'storage_failed',
    })
    isDown = false
    await assertionFrom(cut)
  })
})

describe('an operator of keys', () => {
  it('sees every key and its times, and nothing that is private', async () => {
    const response = await operate('GET', '/keys')
    expect(response.headers.get('cache-control')).toBe('no-store')
    const text = await response.text()
    const { keys, rotation } = JSON.parse(text) as Shown
    const ring = await storedRing()
    expect(keys).toMatchObject([
      { kid: ring.next?.kid, alg: 'ES256', state: 'next', published_at: ring.next?.createdAt },
      { kid: ring.active.kid, alg: 'ES256', state: 'active', active_at: ring.active.activeAt },
    ])
    expect(rotation).toEqual({
      possible_from: ring.next!.createdAt + before,
      planned_at: ring.active.activeAt + month,
    })
    expect(text).not.toContain(ring.active.sealedPrivateKey)
    expect(text).not.toMatch(/sealed|"d"/)
  })

  it.each([
    ['GET', '/keys'],
    ['POST', '/keys/rotate'],
    ['POST', '/keys/rollover'],
  ])('is who the rule lets in, and nobody else: %s %s', async (method, path) => {
    const first = kidOf(await assertionFrom())
    const refused = async (claims: Record<string, unknown>) =>
      problem(await operate(method, path, { claims }))
    expect(await refused({ scope: 'orders' })).toEqual({
      status: 403,
      reason: 'scope_insufficient',
    })
    expect(await refused({ aud: 'api' })).toEqual({ status: 401, reason: 'token_refused' })
    const bare = await new Browser().send(`/auth/operator${path}`, { method })
    expect(await problem(bare)).toEqual({ status: 401, reason: 'token_missing' })
    const browser = new Browser()
    await browser.signIn()
    expect(await problem(await browser.send(`/auth/operator${path}`, { method }))).toEqual({
      status: 401,
      reason: 'token_missing',
    })
    const elsewhere = await new Browser('admin.test').send(`/auth/operator${path}`, { method })
    expect(await problem(elsewhere)).toEqual({ status: 404, reason: 'route_unknown' })
    expect((await operate('DELETE', path)).headers.get('allow')).toBe(method)
    expect(kidOf(await assertionFrom())).toBe(first)
  })

  it.each([
    [{ kid: 7 }, 'kid'],
    [{ kid: '' }, 'kid'],
    [{ reason: 7 }, 'reason'],
    [{ reason: 'x'.repeat(201) }, 'reason'],
    [[], 'body'],
    ['text', 'body'],
  ])('is told which word of %j is wrong, and nothing happens', async (body, parameter) => {
    const first = kidOf(await assertionFrom())
    const response = await operate('POST', '/keys/rollover', { body })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ detail: `Parameter: ${parameter}.` })
    expect(kidOf(await assertionFrom())).toBe(first)
  })
})
