import fc from 'fast-check'
import { expect, it } from 'vitest'

import { decodeBase64url, encodeBase64url } from '../../src/base64url.ts'

it('reads back whatever bytes it wrote', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      expect(decodeBase64url(encodeBase64url(bytes))).toEqual(new Uint8Array(bytes))
    }),
  )
})

it('writes as Node does, long inputs too', () => {
  const long = new Uint8Array(100_000).fill(251)
  expect(encodeBase64url(long)).toBe(Buffer.from(long).toString('base64url'))
})

it('accepts one spelling for each byte string', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'AQgwZ_-'), maxLength: 12 }), (text) => {
      const bytes = decodeBase64url(text)
      if (bytes !== undefined) expect(encodeBase64url(bytes)).toBe(text)
    }),
  )
})

it('refuses stray bits behind the last byte', () => {
  expect(decodeBase64url('AA')).toEqual(Uint8Array.of(0))
  expect(decodeBase64url('AAA')).toEqual(Uint8Array.of(0, 0))
  // atob reads all of these as the same bytes
  for (const text of ['AB', 'AP', 'AAB', 'AAD']) expect(decodeBase64url(text), text).toBeUndefined()
})

it('refuses padding, white space, the other alphabet and impossible lengths', () => {
  expect(decodeBase64url('-_-_')).toBeDefined()
  for (const text of ['AA==', 'AA\n', ' AA', 'AA A', '+/+/', 'A', 'AAAAA', 'AA.', 'ÄA']) {
    expect(decodeBase64url(text), text).toBeUndefined()
  }
})
