import fc from 'fast-check'
import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'

import { equalSecrets, sha256 } from '../../src/digest.ts'

it('hashes the UTF-8 of a text as Node does', async () => {
  for (const text of ['', 'abc', 'Grüße 🛶']) {
    expect(await sha256(text)).toBe(createHash('sha256').update(text).digest('base64url'))
  }
})

it('finds texts equal exactly when they are', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (a, b) => {
      expect(equalSecrets(a, a)).toBe(true)
      expect(equalSecrets(a, b)).toBe(a === b)
    }),
  )
})

it('finds a missing secret equal to nothing, another missing one included', () => {
  expect(equalSecrets('a secret', 'a secret')).toBe(true)
  expect(equalSecrets('', '')).toBe(false)
  expect(equalSecrets('a secret', '')).toBe(false)
  expect(equalSecrets('', 'a secret')).toBe(false)
})

it('finds a text unequal to its beginning', () => {
  expect(equalSecrets('secret', 'secre')).toBe(false)
  expect(equalSecrets('secre', 'secret')).toBe(false)
})
