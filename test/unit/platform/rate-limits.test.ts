import { afterEach, expect, it, vi } from 'vitest'

import type { Environment } from '../../../src/platform/environment.ts'
import { rateLimitsOf } from '../../../src/platform/rate-limits.ts'

const limit = { id: 'few', binding: 'FEW', limit: 2, period: 60 } as const
afterEach(() => void vi.useRealTimers())

function limitsWith(binding: unknown) {
  const logged: unknown[] = []
  const env = { FEW: binding } as unknown as Environment
  return { logged, limits: rateLimitsOf(env, (...event) => void logged.push(event)) }
}

it('is what the binding says', async () => {
  const keys: unknown[] = []
  const { limits, logged } = limitsWith({
    limit: async (options: unknown) => ({ success: keys.push(options) < 2 }),
  })
  expect(await limits.count(limit, 'a')).toBe(true)
  expect(await limits.count(limit, 'a')).toBe(false)
  expect(keys).toEqual([{ key: 'a' }, { key: 'a' }])
  expect(logged).toEqual([])
})

it('lets everybody pass where the binding throws or is gone, and says so once a minute', async () => {
  vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_000 })
  const broken = { limit: () => Promise.reject(new TypeError('evil words')) }
  for (const binding of [broken, undefined, {}]) {
    const { limits, logged } = limitsWith(binding)
    for (let i = 0; i < 3; i++) expect(await limits.count(limit, 'a')).toBe(true)
    const event = ['warn', 'rate_limit.unavailable', { limit: 'few', cause: 'TypeError' }]
    expect(logged).toEqual([event])
    vi.setSystemTime(Date.now() + 60_000)
    expect(await limits.count(limit, 'a')).toBe(true)
    expect(logged).toEqual([event, event])
  }
})
