import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { present, type Rotation, startRotation } from '../../../src/session/rotation.ts'

const grace = 30

/** Presents a cookie that has to be good. */
function use(rotation: Rotation, number: number, now: number): { next: Rotation; gets: number } {
  const presented = present(rotation, number, now, grace)
  if (presented.kind === 'reused') throw new Error(`cookie ${String(number)} was taken for reused`)
  return { next: presented.rotation, gets: presented.handOut }
}

describe('rotation', () => {
  it('hands out a successor for each use', () => {
    let rotation = startRotation()
    for (let number = 0; number < 5; number++) {
      const used = use(rotation, number, number * 1000)
      expect(used.gets).toBe(number + 1)
      rotation = used.next
    }
  })

  it('gives requests in parallel the same successor', () => {
    const first = use(startRotation(), 0, 0)
    const second = use(first.next, 0, 29)
    expect([first.gets, second.gets]).toEqual([1, 1])
  })

  it('keeps a cookie good while no successor was used, however late', () => {
    const first = use(startRotation(), 0, 0)
    const late = use(first.next, 0, 100_000)
    expect(late.gets).toBe(2)
    // The first answer was not lost after all: 1 is used, and takes the place of 2 once 2 cannot come any more
    const first1 = use(late.next, 1, 100_001)
    expect(first1.gets).toBe(1)
    expect(use(first1.next, 1, 100_000 + 2 * grace).gets).toBe(3)
  })

  it('takes a superseded cookie for theft once the grace is over', () => {
    const first = use(startRotation(), 0, 0)
    const used = use(first.next, 1, 100)
    expect(present(used.next, 0, 100 + grace, grace).kind).toBe('good')
    expect(present(used.next, 0, 101 + grace, grace)).toEqual({ kind: 'reused' })
    expect(present(used.next, 7, 100, grace)).toEqual({ kind: 'reused' })
  })

  it('takes a thief’s cookie for theft whether thief or owner comes first', () => {
    const stolen = use(startRotation(), 0, 0)
    // The thief uses the copy of 0, gets 1, and uses that; the owner still holds 0
    const thief = use(use(stolen.next, 0, 500).next, 2, 600)
    expect(present(thief.next, 0, 700, grace)).toEqual({ kind: 'reused' })
    // The owner uses 0 and 1; the thief comes later with 0
    const owner = use(stolen.next, 1, 500)
    expect(present(owner.next, 0, 600, grace)).toEqual({ kind: 'reused' })
  })

  it('leaves a browser alone whose newer cookie an answer overwrites that was long under way', () => {
    // Two tabs use 0 and are both given 1; one answer is slow. The other tab renews twice more meanwhile.
    const first = use(startRotation(), 0, 100)
    const slow = use(first.next, 0, 101)
    const second = use(slow.next, first.gets, 102)
    const third = use(second.next, second.gets, 103)
    // Only now it arrives, so that the jar holds 1 again; it is used when every grace is over.
    const late = use(third.next, slow.gets, 104 + 2 * grace)
    expect(use(late.next, late.gets, 105 + 4 * grace).gets).toBeGreaterThan(late.gets)
  })

  it('lets a successor that is under way outlive the use of an older one', () => {
    const first = use(startRotation(), 0, 100)
    // A tab still had 0, later than the grace, and is given 2; its answer is under way when 1 is used.
    const tab = use(first.next, 0, 100 + grace)
    const other = use(tab.next, first.gets, 101 + grace)
    expect(use(other.next, tab.gets, 102 + 3 * grace).gets).toBeGreaterThan(tab.gets)
  })

  it('remembers so many unused successors and no more', () => {
    let rotation = startRotation()
    for (let i = 0; i < 100; i++) rotation = use(rotation, 0, i * 1000).next
    expect(rotation.open).toHaveLength(8)
    expect(use(rotation, 0, 1e6).gets).toBe(101)
  })

  it('never shuts out an honest browser, whichever answers are lost', () => {
    const step = fc.record({ wait: fc.nat({ max: 100 }), lost: fc.boolean() })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let [rotation, holds, now] = [startRotation(), 0, 0]
        for (const { wait, lost } of steps) {
          now += wait
          const used = use(rotation, holds, now)
          rotation = used.next
          if (!lost) holds = used.gets
        }
      }),
    )
  })

  it('finds every copy out that was made before the newest cookie in use', () => {
    const waits = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 2, maxLength: 40 })
    fc.assert(
      fc.property(waits, fc.nat(), (all, pick) => {
        let [rotation, now] = [startRotation(), 0]
        const held = [0]
        for (const wait of all) {
          now += wait
          const used = use(rotation, held.at(-1)!, now)
          rotation = used.next
          held.push(used.gets)
        }
        const old = held.filter((number) => number < rotation.confirmed.number)
        const copy = old[pick % old.length]!
        expect(present(rotation, copy, now + grace + 1, grace)).toEqual({ kind: 'reused' })
      }),
    )
  })
})
