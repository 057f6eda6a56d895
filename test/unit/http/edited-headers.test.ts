import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { EditedHeaders } from '../../../src/http/edited-headers.ts'

const name = fc.constantFrom('a', 'B', 'cache-control', 'Set-Cookie', 'vary')
const value = fc.constantFrom('1', 'x, y', 'k=v; Path=/')
const change = fc.oneof(
  fc.record({ kind: fc.constantFrom('set', 'append'), name, value }),
  fc.record({ kind: fc.constant('delete'), name, value }),
)

describe('headers on their way through', () => {
  it('end as the standard’s would with the same changes', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(name, value)), fc.array(change), (present, changes) => {
        const original = new Headers()
        for (const [key, text] of present) original.append(key, text)
        const standard = new Headers(original)
        const edited = new EditedHeaders(original)
        for (const { kind, name: key, value: text } of changes) {
          if (kind === 'delete') {
            edited.delete(key)
            standard.delete(key)
          } else if (kind === 'set') {
            edited.set(key, text)
            standard.set(key, text)
          } else {
            edited.append(key, text)
            standard.append(key, text)
          }
          expect(edited.get(key)).toBe(standard.get(key))
          expect(edited.has(key)).toBe(standard.has(key))
        }
        expect(new Set(edited.keys())).toEqual(new Set(standard.keys()))
        const copy = new Headers(original)
        edited.applyTo(copy)
        expect([...copy]).toEqual([...standard])
      }),
    )
  })

  it('count as unedited where nothing was said anew', () => {
    const original = new Headers({ a: '1', 'set-cookie': 'k=v' })
    const edited = new EditedHeaders(original)
    edited.delete('b')
    expect(edited.get('a')).toBe('1')
    expect(edited.isEdited).toBe(false)
    edited.append('vary', 'Origin')
    expect(edited.isEdited).toBe(true)
    expect(original.has('vary')).toBe(false)
  })
})
