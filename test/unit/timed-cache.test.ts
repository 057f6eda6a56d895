import { expect, it } from 'vitest'

import { TimedCache } from '../../src/timed-cache.ts'

it('keeps a value until its time, and not at it', () => {
  const cache = new TimedCache<string>()
  cache.set('a', 'x', 10)
  expect(cache.get('a', 9)).toBe('x')
  expect(cache.get('a', 10)).toBeUndefined()
  expect(cache.get('b', 9)).toBeUndefined()
})

it('is bounded in number, the oldest going first', () => {
  const cache = new TimedCache<string>(3)
  for (const key of ['a', 'b', 'c']) cache.set(key, key, 10)
  // Written anew, `a` is the youngest.
  cache.set('a', 'again', 10)
  cache.set('d', 'd', 10)
  expect(cache.get('b', 0)).toBeUndefined()
  expect(cache.get('a', 0)).toBe('again')
  expect(cache.get('d', 0)).toBe('d')
})
