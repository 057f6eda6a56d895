import { describe, expect, it } from 'vitest'

import {
  dueOf,
  keysOf,
  promotableAt,
  promote,
  type Ring,
  ringOf,
  type RingPolicy,
  rollOver,
  rotationAt,
  startRing,
  wakeAt,
  withNext,
  withoutKey,
  withoutRetired,
  withOverlap,
} from '../../../src/keys/ring.ts'
import type { StoredKey } from '../../../src/keys/signing-key.ts'

const now = 1_800_000_000
const day = 86_400
const policy: RingPolicy = {
  algorithm: 'ES256',
  rotateEvery: 30 * day,
  overlap: { before: 3725, after: 245 },
}

function key(kid: string, createdAt: number, alg: StoredKey['alg'] = 'ES256'): StoredKey {
  return { kid, alg, createdAt, publicJwk: { kty: 'EC', kid }, sealedPrivateKey: `sealed ${kid}` }
}

const started = withNext(startRing(key('a', now), policy.overlap, now), key('b', now))
const kidsOf = (ring: Ring) => keysOf(ring).map(({ kid }) => kid)

describe('a key ring', () => {
  it('starts with a key that signs, and has the next one made', () => {
    const first = startRing(key('a', now), policy.overlap, now)
    expect(first.active).toMatchObject({ kid: 'a', activeAt: now })
    expect(dueOf(first, policy, now)).toBe('make')
    expect(dueOf(started, policy, now)).toBeUndefined()
  })

  it('lets the next key sign when its time has come, and has another made', () => {
    const at = now + 30 * day
    expect(wakeAt(started, policy)).toBe(at)
    expect(dueOf(started, policy, at - 1)).toBeUndefined()
    expect(dueOf(started, policy, at)).toBe('promote')
    const promoted = promote(started, at)
    expect(promoted.active).toMatchObject({ kid: 'b', activeAt: at })
    expect(promoted.retiring).toMatchObject([{ kid: 'a', retiredAt: at, publishedUntil: at + 245 }])
    expect(dueOf(promoted, policy, at)).toBe('make')
  })

  it('publishes what retires until the last that it signed is over', () => {
    const at = now + 30 * day
    const promoted = withNext(promote(started, at), key('c', at))
    expect(wakeAt(promoted, policy)).toBe(at + 245)
    expect(kidsOf(withoutRetired(promoted, at + 244))).toEqual(['c', 'a', 'b'])
    expect(kidsOf(withoutRetired(promoted, at + 245))).toEqual(['c', 'b'])
  })

  it('publishes the same set before and after a key is promoted', () => {
    expect(kidsOf(promote(started, now + 30 * day))).toEqual(kidsOf(started))
  })

  it('lets no key sign that a copy of the set may lack, however much it is asked to', () => {
    expect(promotableAt(started)).toBe(now + 3725)
    expect(() => promote(started, now + 3724)).toThrow('not known everywhere')
    expect(promote(started, now + 3725).active.kid).toBe('b')
    expect(() => promote({ ...started, next: undefined }, now + 3725)).toThrow(RangeError)
  })

  it('rolls over at once: the old key is gone, and the next one signs', () => {
    const rolled = rollOver(started, key('b', now), now + 10)
    expect(kidsOf(rolled)).toEqual(['b'])
    expect(rolled.active).toMatchObject({ kid: 'b', activeAt: now + 10 })
    expect(dueOf(rolled, policy, now + 10)).toBe('make')
  })

  it('goes without a key that is distrusted before or after its time', () => {
    const promoted = withNext(promote(started, now + 30 * day), key('c', now + 30 * day))
    expect(kidsOf(withoutKey(promoted, 'a'))).toEqual(['c', 'b'])
    expect(kidsOf(withoutKey(promoted, 'c'))).toEqual(['a', 'b'])
    expect(kidsOf(withoutKey(promoted, 'b'))).toEqual(['c', 'a', 'b'])
  })

  it('turns to another algorithm in stages', () => {
    const wanted: RingPolicy = { ...policy, algorithm: 'EdDSA' }
    expect(dueOf(started, wanted, now + 100)).toBe('make')
    const ready = withNext(started, key('c', now + 100, 'EdDSA'))
    expect(dueOf(ready, wanted, now + 101)).toBeUndefined()
    expect(rotationAt(ready, wanted)).toBe(now + 100 + 3725)
    expect(dueOf(ready, wanted, now + 100 + 3725)).toBe('promote')
    // And back again before that: the active key never changed.
    expect(dueOf(ready, policy, now + 101)).toBe('make')
  })

  it('waits for copies and assertions of a longer overlap after the overlap was made shorter', () => {
    const shorter = withOverlap(started, { before: 20, after: 10 }, now + 1000)
    expect(promotableAt(shorter)).toBe(now + 1000 + 3725)
    const promoted = promote(shorter, now + 1000 + 3725)
    expect(promoted.retiring[0]?.publishedUntil).toBe(now + 1000 + 3725 + 10)
    const atOnce = withOverlap(promote(started, now + 4000), { before: 20, after: 10 }, now + 4001)
    expect(atOnce.retiring[0]?.publishedUntil).toBe(now + 4000 + 245)
    const longer = withOverlap(started, { before: 5000, after: 500 }, now + 1000)
    expect(promotableAt(longer)).toBe(now + 5000)
    expect(withOverlap(started, { ...policy.overlap }, now + 1)).toBe(started)
  })

  it('is made of what was kept before there were rings: the newest key goes on', () => {
    const ring = ringOf([key('b', now - 10), key('a', now - 40 * day)], policy.overlap, now)!
    expect(ring.active).toMatchObject({ kid: 'b', activeAt: now - 10 })
    expect(kidsOf(ring)).toEqual(['b', 'a'])
    // Isolates of then went on for an hour with sets that lack what is new.
    expect(promotableAt(withNext(ring, key('c', now)))).toBe(now + 3600 + 3725)
    expect(ringOf([], policy.overlap, now)).toBeUndefined()
  })
})
