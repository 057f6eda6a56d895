import { expect, it } from 'vitest'

import { isShort, statedLength } from '../../../src/http/length.ts'

const said = (length: string) => new Headers({ 'content-length': length })

it('is what a message states in digits, and nothing else', () => {
  expect(statedLength(said('0'))).toBe(0)
  expect(statedLength(said('65536'))).toBe(65_536)
  for (const length of ['', '-1', '+1', '1e3', '0x10', '1.5', '1, 1', '9'.repeat(16)])
    expect(statedLength(said(length)), length).toBeUndefined()
  expect(statedLength(new Headers())).toBeUndefined()
})

it('is short where it is stated to be, and not where nothing is said', () => {
  expect(isShort(said('10'), 10)).toBe(true)
  expect(isShort(said('11'), 10)).toBe(false)
  expect(isShort(new Headers(), 10)).toBe(false)
})
