import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { siteOf, varsOf } from '../world/vars.ts'

function problemsOf(assertion: Record<string, unknown>): Record<string, string> {
  const parsed = parseConfig(varsOf({ site: { assertion } }))
  if (parsed.ok) return {}
  return Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

describe('how a site signs', () => {
  it('has defaults: ES256, a month, two minutes to be rid of a key', () => {
    expect(siteOf().assertion).toEqual({
      issuer: 'https://shop.example.com',
      lifetime: 120,
      algorithm: 'ES256',
      rotateEvery: 30 * 86_400,
      keysBound: 60,
      keysMaxAge: 60,
      keysKept: 3600,
      overlap: { before: 60 + 60 + 3600 + 5, after: 60 + 120 + 60 + 5 },
    })
  })

  it('publishes a key for longer than every cache after another, on both sides of its use', () => {
    const { overlap } = siteOf({
      site: {
        assertion: { lifetime: '10m', keys_bound: '5m', keys_max_age: '1h', keys_kept: '1d' },
      },
    }).assertion
    expect(overlap.before).toBeGreaterThan(300 + 3600 + 86_400)
    expect(overlap.after).toBeGreaterThan(300 + 600)
  })

  it.each([
    [{ algorithm: 'HS256' }, 'algorithm'],
    [{ algorithm: 'none' }, 'algorithm'],
    [{ rotate_every: '1h' }, 'rotate_every'],
    [{ rotate_every: '2y' }, 'rotate_every'],
    [{ keys_kept: '14d' }, 'keys_kept'],
    [{ keys_kept: '7d', rotate_every: '10d' }, 'rotate_every'],
    [{ keys_kept: '30s' }, 'keys_kept'],
    [{ keys_bound: '1s' }, 'keys_bound'],
    [{ keys_bound: '10m' }, 'keys_bound'],
    [{ keys_max_age: '2h' }, 'keys_max_age'],
  ])('is not %j', (assertion, key) => {
    expect(Object.keys(problemsOf(assertion))).toContain(`SITES[0].assertion.${key}`)
  })

  it('is told how long a key must sign at least, and why', () => {
    expect(problemsOf({ rotate_every: '2h' })['SITES[0].assertion.rotate_every']).toMatch(
      /\(7200 s\) must be at least 7450 s: twice the 3725 s for which a key is published/,
    )
    expect(problemsOf({ rotate_every: '3h' })).toEqual({})
  })
})
