import { expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { varsOf, writtenRoutes } from '../world/vars.ts'

const few = { id: 'few', binding: 'FEW', limit: 20, period: '60s' }
const limiter = { limit: async () => ({ success: true }) }
const limited = (rateLimit: unknown, more = {}) => ({
  routes: [{ ...writtenRoutes[0], rate_limit: rateLimit, ...more }],
})

function problemsOf(site: Record<string, unknown>, env: Record<string, unknown> = {}) {
  const parsed = parseConfig(varsOf({ site, env: { RATE_LIMITS: [few], FEW: limiter, ...env } }))
  return parsed.ok ? {} : Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

it('is parsed with the binding that counts', () => {
  const site = { rate_limits: { login: 'few' }, ...limited({ limit: 'few', per: 'caller' }) }
  const parsed = parseConfig(varsOf({ site, env: { RATE_LIMITS: [few], FEW: limiter } }))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const [first] = parsed.config.sites
  const limit = { id: 'few', binding: 'FEW', limit: 20, period: 60 }
  expect(first?.rateLimits).toMatchObject({ login: limit, callback: undefined })
  expect(first?.routes.all[0]?.rateLimit).toEqual({ limit, per: 'caller' })
})

it('must have its binding: a limit that is not there is told, not passed over', () => {
  expect(problemsOf({}, { FEW: undefined })).toEqual({
    'RATE_LIMITS[0].binding':
      'names the binding FEW, which this Worker does not have: [[ratelimits]] with name = "FEW", ' +
      'a namespace_id, and simple = { limit = 20, period = 60 }',
  })
  expect(problemsOf({}, { FEW: 'text' })).toHaveProperty('RATE_LIMITS[0].binding')
})

it('can be wrong in every other way, too', () => {
  expect(problemsOf({ rate_limits: { login: 'many' } })).toEqual({
    'SITES[0].rate_limits.login': 'names no rate limit; RATE_LIMITS has: few',
  })
  expect(problemsOf({ rate_limits: { logout: 'few' } })).toHaveProperty(
    'SITES[0].rate_limits.logout',
  )
  expect(problemsOf(limited({ limit: 'many', per: 'caller' }))).toHaveProperty(
    'SITES[0].routes[0].rate_limit.limit',
  )
  expect(problemsOf(limited({ limit: 'few' }))).toHaveProperty('SITES[0].routes[0].rate_limit.per')
  const open = { access: 'public', forward: 'none' }
  expect(problemsOf(limited({ limit: 'few', per: 'caller' }, open))).toEqual({
    'SITES[0].routes[0].rate_limit.per': 'is "caller", and the route knows none: "address"',
  })
  const again = { RATE_LIMITS: [few, { ...few, id: 'more' }, { ...few, binding: 'OTHER' }] }
  expect(Object.keys(problemsOf({}, { ...again, OTHER: limiter }))).toEqual([
    'RATE_LIMITS[1].binding',
    'RATE_LIMITS[2].id',
  ])
  expect(problemsOf({}, { RATE_LIMITS: [{ ...few, period: '30s', limit: 0 }] })).toEqual({
    'RATE_LIMITS[0].limit': 'must be a whole number from 1 to 10000000',
    'RATE_LIMITS[0].period': 'must be one of "10s", "60s"',
  })
})
