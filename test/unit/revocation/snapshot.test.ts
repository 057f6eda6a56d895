import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { fingerprintOf, importFingerprintKey } from '../../../src/revocation/fingerprint.ts'
import {
  beforeOf,
  decodeSnapshot,
  encodeSnapshot,
  merge,
  type Snapshot,
} from '../../../src/revocation/snapshot.ts'

const key = new Uint8Array(32).fill(7)
const plain = { epoch: 1, version: 1, base: -1, stamp: 1.8e12, instance: 4, key }
const fingerprints = fc.uniqueArray(fc.maxSafeNat(), { maxLength: 50 })

type Marks = ReadonlyMap<number, number>

const entriesOf = (marks: Marks) =>
  [...marks]
    .map(([fingerprint, before]) => ({ fingerprint, before }))
    .toSorted((a, b) => a.fingerprint - b.fingerprint)

function delivered(marks: Marks, head: { epoch?: number; version?: number; base?: number } = {}) {
  const bytes = encodeSnapshot({ ...plain, ...head }, entriesOf(marks))
  return decodeSnapshot(bytes)!
}

const marksOf = (list: readonly number[], before: number): Marks =>
  new Map(list.map((fingerprint) => [fingerprint, before]))

describe('a snapshot', () => {
  it('finds what is in it, and nothing else', () => {
    fc.assert(
      fc.property(fingerprints, fc.maxSafeNat(), (list, other) => {
        const snapshot = delivered(marksOf(list, 5))
        for (const fingerprint of list) expect(beforeOf(snapshot, fingerprint)).toBe(5)
        expect(beforeOf(snapshot, other)).toBe(list.includes(other) ? 5 : 0)
      }),
    )
  })

  it('crosses the network whole', () => {
    const snapshot = delivered(new Map([[2 ** 53 - 1, 0xffff_ffff]]), { epoch: 3, version: 9 })
    expect(snapshot).toMatchObject({ ...plain, epoch: 3, version: 9 })
    expect(beforeOf(snapshot, 2 ** 53 - 1)).toBe(0xffff_ffff)
  })

  it('is not read from anything else', () => {
    const bytes = encodeSnapshot(plain, entriesOf(new Map([[1, 1]])))
    expect(decodeSnapshot(new ArrayBuffer(0))).toBeUndefined()
    expect(decodeSnapshot(bytes.slice(0, -1))).toBeUndefined()
    const other = bytes.slice(0)
    new DataView(other).setUint32(0, 2, true)
    expect(decodeSnapshot(other)).toBeUndefined()
  })
})

describe('additions', () => {
  it('give what the whole would have given', () => {
    fc.assert(
      fc.property(fingerprints, fingerprints, (first, second) => {
        const known = delivered(marksOf(first, 5), { version: 5 })
        const added = delivered(marksOf(second, 8), { version: 8, base: 5 })
        const merged = merge(known, added)!
        expect(merged.version).toBe(8)
        for (const one of [...first, ...second])
          expect(beforeOf(merged, one)).toBe(second.includes(one) ? 8 : 5)
        expect(merged.fingerprints.length).toBe(new Set([...first, ...second]).size)
        expect([...merged.fingerprints]).toEqual([...merged.fingerprints].toSorted((a, b) => a - b))
      }),
    )
  })

  it('fit only to what they were added to', () => {
    const known: Snapshot = delivered(marksOf([1], 5), { version: 5 })
    const added = (head: object) => delivered(marksOf([2], 8), { version: 8, base: 5, ...head })
    expect(merge(known, added({}))).toBeDefined()
    expect(merge(known, added({ epoch: 2 }))).toBeUndefined()
    expect(merge(known, added({ base: 6 }))).toBeUndefined()
    expect(merge(undefined, added({}))).toBeUndefined()
    // Delivered twice, or late: nothing is lost and nothing turned back.
    const newer = merge(known, added({}))!
    expect(merge(newer, delivered(new Map(), { version: 5, base: 5 }))?.version).toBe(8)
    expect(beforeOf(merge(newer, added({}))!, 2)).toBe(8)
  })

  it('never take the time of a mark back', () => {
    const known = delivered(marksOf([1], 9), { version: 5 })
    const merged = merge(known, delivered(marksOf([1], 4), { version: 6, base: 5 }))!
    expect(beforeOf(merged, 1)).toBe(9)
  })
})

describe('a fingerprint', () => {
  it('is a safe integer that the key decides', async () => {
    const one = await importFingerprintKey(key)
    const other = await importFingerprintKey(new Uint8Array(32).fill(8))
    const name = '["shop","subject","https://id.example","ada"]'
    expect(await fingerprintOf(one, name)).toBe(await fingerprintOf(one, name))
    expect(await fingerprintOf(one, name)).not.toBe(await fingerprintOf(other, name))
    expect(await fingerprintOf(one, name)).not.toBe(await fingerprintOf(one, `${name} `))
    expect(Number.isSafeInteger(await fingerprintOf(one, name))).toBe(true)
  })
})
