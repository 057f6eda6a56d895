/**
 * A site's key ring as a state machine: a ring and the time in, a ring out.
 *
 * A key is `next` (published, so that every copy of the set comes to hold it), then `active` (the one that signs), then
 * `retiring` (published until the last that it signed is over), then gone. There is one active key by construction, and
 * a next one at hand always, for a plan and for an emergency.
 */
import type { JWK } from 'jose'
import type { AssertionPolicy, Overlap } from '../config/config.ts'
import type { StoredKey } from './signing-key.ts'

/** Times in seconds. */
export interface Ring {
  /** `undefined` only between two steps of one change. */
  readonly next: StoredKey | undefined
  readonly active: ActiveKey
  /** The latest first. */
  readonly retiring: readonly RetiringKey[]
  /** What holds at present. */
  readonly overlap: Overlap
  /** Until then there are copies and assertions about that were made while a longer overlap held. */
  readonly settledAt: number
}

export interface ActiveKey extends StoredKey {
  readonly activeAt: number
}

export interface RetiringKey extends ActiveKey {
  readonly retiredAt: number
  readonly publishedUntil: number
}

/** What the configuration says of keys. */
export type RingPolicy = Pick<AssertionPolicy, 'algorithm' | 'rotateEvery' | 'overlap'>

/** A site's first key signs at once: nobody holds a set without it. */
export function startRing(key: StoredKey, overlap: Overlap, now: number): Ring {
  const active = { ...key, activeAt: now }
  return { next: undefined, active, retiring: [], overlap, settledAt: now }
}

/**
 * What was stored before there were rings: keys, the newest of which signs. Isolates went on for an hour then with what
 * they knew, so that it takes an hour longer until a new key is known.
 */
export function ringOf(
  keys: readonly StoredKey[],
  overlap: Overlap,
  now: number,
): Ring | undefined {
  const [signing, ...others] = keys
  if (signing === undefined) return undefined
  const retiring = others.map((key) => ({
    ...key,
    activeAt: key.createdAt,
    retiredAt: now,
    publishedUntil: now + overlap.after,
  }))
  const active = { ...signing, activeAt: signing.createdAt }
  return { next: undefined, active, retiring, overlap, settledAt: now + 3600 + overlap.before }
}

/** The configuration may change: copies made under a longer overlap are waited for, whatever holds from now on. */
export function withOverlap(ring: Ring, overlap: Overlap, now: number): Ring {
  const { before, after } = ring.overlap
  if (before === overlap.before && after === overlap.after) return ring
  const settledAt = Math.max(
    ring.settledAt,
    before > overlap.before ? now + before : 0,
    after > overlap.after ? now + after : 0,
  )
  return { ...ring, overlap, settledAt }
}

export function withNext(ring: Ring, key: StoredKey): Ring {
  return { ...ring, next: key }
}

/** Without those whose last assertion is over. */
export function withoutRetired(ring: Ring, now: number): Ring {
  const retiring = ring.retiring.filter(({ publishedUntil }) => now < publishedUntil)
  return retiring.length === ring.retiring.length ? ring : { ...ring, retiring }
}

/** Without a key that does not sign. */
export function withoutKey(ring: Ring, kid: string): Ring {
  return {
    ...ring,
    next: ring.next?.kid === kid ? undefined : ring.next,
    retiring: ring.retiring.filter((key) => key.kid !== kid),
  }
}

/** From when the next key is in every copy of the set; never where there is none. */
export function promotableAt({ next, overlap, settledAt }: Ring): number {
  return next === undefined ? Infinity : Math.max(next.createdAt + overlap.before, settledAt)
}

/** When the next key is to sign by the plan: sooner where the configuration wants another algorithm. */
export function rotationAt(ring: Ring, { algorithm, rotateEvery }: RingPolicy): number {
  const planned = ring.active.alg === algorithm ? ring.active.activeAt + rotateEvery : 0
  return Math.max(planned, promotableAt(ring))
}

/** The next key signs from now on. Throws where a copy of the set may lack it. */
export function promote(ring: Ring, now: number): Ring {
  const { next, active, retiring, overlap } = ring
  if (next === undefined || now < promotableAt(ring))
    throw new RangeError('the next key is not known everywhere')
  // What it signed under a longer overlap is over by now: `settledAt` has passed.
  const publishedUntil = now + overlap.after
  return {
    ...ring,
    next: undefined,
    active: { ...next, activeAt: now },
    retiring: [{ ...active, retiredAt: now, publishedUntil }, ...retiring],
  }
}

/** In an emergency: `key` signs at once, and the one that signed is gone. */
export function rollOver(ring: Ring, key: StoredKey, now: number): Ring {
  // attack: distrusted-key-signs-on
  return { ...ring, next: undefined, active: { ...key, activeAt: now } }
}

/** What has to be done now; `undefined`: nothing. */
export function dueOf(ring: Ring, policy: RingPolicy, now: number): 'make' | 'promote' | undefined {
  // A key of another algorithm has signed nothing, and can go.
  if (ring.next?.alg !== policy.algorithm) return 'make'
  return now >= rotationAt(ring, policy) ? 'promote' : undefined
}

/** When something will have to be done. */
export function wakeAt(ring: Ring, policy: RingPolicy): number {
  return Math.min(
    rotationAt(ring, policy),
    ...ring.retiring.map(({ publishedUntil }) => publishedUntil),
  )
}

/** Every key of the ring, by when it was published: the order says nothing, so that promoting changes no set. */
export function keysOf({ next, active, retiring }: Ring): readonly StoredKey[] {
  return [...(next === undefined ? [] : [next]), active, ...retiring].toSorted(
    (a, b) => b.createdAt - a.createdAt || (a.kid < b.kid ? -1 : 1),
  )
}

/** What is published. */
export function publishedKeys(ring: Ring): readonly JWK[] {
  return keysOf(ring).map(({ publicJwk }) => publicJwk)
}
