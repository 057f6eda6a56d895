import fc from 'fast-check'
import { expect, it } from 'vitest'

import { forbidStoring, keepPrivate } from '../../../src/http/private.ts'

const kept = (headers: Record<string, string>) => {
  const answer = new Headers(headers)
  keepPrivate(answer)
  return Object.fromEntries(answer)
}
const closed = { 'cache-control': 'private, no-store' }

it('keeps a private policy of the origin’s own', () => {
  for (const own of ['private', 'no-store', 'max-age=9, Private', 'no-cache, no-store'])
    expect(kept({ 'cache-control': own })).toEqual({ 'cache-control': own })
})

it('takes nothing for private that a shared cache may keep', () => {
  const others = [
    ...['public', 'max-age=600', '', 'private="set-cookie", max-age=600', 'public, private'],
    ...['private, s-maxage=600', 'x-private', 'not-private, max-age=5', 'no-cache', 'private=1'],
  ]
  for (const other of others) expect(kept({ 'cache-control': other }), other).toEqual(closed)
  expect(kept({})).toEqual(closed)
})

it('leaves no word to the caches that listen to another header', () => {
  const steering = {
    'cdn-cache-control': 'max-age=600',
    'Cloudflare-CDN-Cache-Control': 'public, max-age=600',
    'surrogate-control': 'max-age=600',
  }
  expect(kept({ ...steering, 'cache-control': 'private' })).toEqual({ 'cache-control': 'private' })
  const expires = { expires: 'Thu, 01 Jan 2099 00:00:00 GMT', pragma: 'x' }
  expect(kept({ ...steering, ...expires })).toEqual(closed)
})

it('is never undone by what an origin says, whatever it is', () => {
  const word = fc.constantFrom(
    ...[
      'public',
      'private',
      'no-store',
      'max-age=5',
      's-maxage=5',
      'PRIVATE',
      'private="a',
      '"',
      ' ',
    ],
  )
  const policy = fc.array(word, { maxLength: 4 }).map((words) => words.join(', '))
  fc.assert(
    fc.property(policy, policy, (cacheControl, cdn) => {
      const answer = kept({ 'cache-control': cacheControl, 'cdn-cache-control': cdn })
      const directives = answer['cache-control']!.split(',').map((text) =>
        text.trim().toLowerCase(),
      )
      expect(directives.includes('private') || directives.includes('no-store')).toBe(true)
      expect(directives).not.toContain('public')
      expect(Object.keys(answer)).toEqual(['cache-control'])
    }),
  )
  const answer = new Headers({ 'cache-control': 'private, max-age=9' })
  forbidStoring(answer)
  expect(answer.get('cache-control')).toBe('private, no-store')
})
