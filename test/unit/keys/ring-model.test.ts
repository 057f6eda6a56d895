/**
 * The ring among everything that keeps copies of what it said: sets of keys that others hold for as long as they may,
 * signatures that live for as long as they may. Whatever happens, in whatever order, three sentences hold.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Overlap } from '../../../src/config/config.ts'
import {
  dueOf,
  keysOf,
  promotableAt,
  promote,
  type Ring,
  type RingPolicy,
  rollOver,
  startRing,
  wakeAt,
  withNext,
  withoutKey,
  withoutRetired,
  withOverlap,
} from '../../../src/keys/ring.ts'
import type { StoredKey } from '../../../src/keys/signing-key.ts'

type Event =
  | { readonly kind: 'wait'; readonly seconds: number }
  | { readonly kind: 'alarm' }
  | { readonly kind: 'configure'; readonly policy: RingPolicy }
  | { readonly kind: 'rotate' | 'rollover' | 'distrust_next' | 'next_breaks' }

/** What was said for a while: which keys were published, which signed, for how long that may be remembered. */
interface Said {
  readonly from: number
  until: number
  readonly published: ReadonlySet<string>
  readonly active: string
  readonly overlap: Overlap
}

class World {
  now = 1000
  policy: RingPolicy
  ring: Ring
  readonly said: Said[] = []
  readonly distrusted = new Set<string>()
  readonly broken = new Set<string>()
  promotions = 0
  #made = 0

  constructor(policy: RingPolicy) {
    this.policy = policy
    this.ring = startRing(this.#make(), policy.overlap, this.now)
    this.tend()
  }

  happen(event: Event): void {
    if (event.kind === 'wait') this.now += event.seconds
    if (event.kind === 'alarm') this.now = Math.max(this.now, wakeAt(this.ring, this.policy))
    if (event.kind === 'configure') this.policy = event.policy
    this.tend()
    const { next, active } = this.ring
    if (event.kind === 'rotate' && this.now >= promotableAt(this.ring)) this.#promote()
    if (event.kind === 'rollover') {
      this.distrusted.add(active.kid)
      const isFit = next !== undefined && !this.broken.has(next.kid)
      const key = isFit ? next : this.#make()
      this.ring = rollOver(this.ring, key, this.now)
    }
    if (event.kind === 'distrust_next' && next !== undefined) {
      this.distrusted.add(next.kid)
      this.ring = withoutKey(this.ring, next.kid)
    }
    if (event.kind === 'next_breaks' && next !== undefined) this.broken.add(next.kid)
    this.tend()
  }

  /** As the object does. */
  tend(): void {
    this.ring = withoutRetired(withOverlap(this.ring, this.policy.overlap, this.now), this.now)
    for (let steps = 0; steps < 3; steps++) {
      const due = dueOf(this.ring, this.policy, this.now)
      if (due === 'make') this.ring = withNext(this.ring, this.#make())
      if (due === 'promote') this.#promote()
    }
    expect(dueOf(this.ring, this.policy, this.now)).toBeUndefined()
    expect(wakeAt(this.ring, this.policy)).toBeGreaterThan(this.now)
    this.#say()
  }

  #promote(): void {
    const { next } = this.ring
    if (next === undefined) throw new Error('nothing to promote')
    if (this.broken.has(next.kid)) {
      // Its canary fails: it is dropped, and the active one goes on.
      this.ring = withoutKey(this.ring, next.kid)
      return
    }
    this.ring = promote(this.ring, this.now)
    this.promotions += 1
    for (const said of this.said) {
      const isHeld = said.until + said.overlap.before > this.now
      if (isHeld && !said.published.has(next.kid)) expect.fail(`${next.kid} signs unknown`)
    }
  }

  #make(): StoredKey {
    const kid = `k${String(this.#made++)}`
    const alg = this.policy.algorithm
    return { kid, alg, createdAt: this.now, publicJwk: { kid }, sealedPrivateKey: '' }
  }

  #say(): void {
    const last = this.said.at(-1)
    if (last !== undefined) last.until = this.now
    const published = new Set(keysOf(this.ring).map(({ kid }) => kid))
    expect(published.size).toBe(keysOf(this.ring).length)
    const { active, overlap } = this.ring
    this.said.push({ from: this.now, until: this.now, published, active: active.kid, overlap })
    for (const said of this.said) {
      const lives = said.until + said.overlap.after > this.now
      const isOver = !lives || said.until === said.from || this.distrusted.has(said.active)
      if (!isOver && !published.has(said.active)) expect.fail(`${said.active} left too early`)
    }
    for (const kid of this.distrusted) expect(published).not.toContain(kid)
    expect(this.broken.has(active.kid), 'a broken key signs').toBe(false)
  }
}

const overlaps = fc.record({
  before: fc.integer({ min: 5, max: 60 }),
  after: fc.integer({ min: 5, max: 60 }),
})
const policies = fc
  .record({
    algorithm: fc.constantFrom('ES256' as const, 'EdDSA' as const, 'RS256' as const),
    overlap: overlaps,
    times: fc.integer({ min: 2, max: 5 }),
  })
  .map(({ algorithm, overlap, times }) => ({
    algorithm,
    overlap,
    // The configuration asks for twice the overlap at least.
    rotateEvery: overlap.before * times,
  }))
const events: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('wait' as const),
      seconds: fc.integer({ min: 0, max: 90 }),
    }),
  },
  { weight: 4, arbitrary: fc.constant({ kind: 'alarm' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('configure' as const), policy: policies }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('rotate', 'rollover', 'distrust_next', 'next_breaks'),
    }),
  },
)

describe('whatever happens to a ring', () => {
  it('a key that is promoted is in every copy of the set, one that signed is published until that is over, and there is one active key', () => {
    let promotions = 0
    fc.assert(
      fc.property(policies, fc.array(events, { maxLength: 40 }), (policy, happening) => {
        const world = new World(policy)
        for (const event of happening) world.happen(event)
        promotions += world.promotions
      }),
      { numRuns: 500 },
    )
    // The search went where there is something to find.
    expect(promotions).toBeGreaterThan(500)
  })

  it('rotates by its alarms alone, for as long as they come', () => {
    fc.assert(
      fc.property(policies, (policy) => {
        const world = new World(policy)
        for (let i = 0; i < 20; i++) world.happen({ kind: 'alarm' })
        expect(world.promotions).toBeGreaterThanOrEqual(5)
        expect(world.ring.retiring.length).toBeLessThanOrEqual(15)
      }),
    )
  })
})
