import { beforeEach, describe, expect, it } from 'vitest'

import type { Route } from '../../../src/config/route.ts'
import { admit } from '../../../src/gateway/admit.ts'
import { makePorts, type Ports, refreshOnly, signedIn, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const limit = { id: 'few', binding: 'FEW', limit: 2, period: 60 } as const
let ports: Ports
let counts: Map<string, number>

beforeEach(() => {
  counts = new Map()
  ports = {
    ...makePorts(),
    rateLimits: {
      count: async (_, key) => {
        counts.set(key, (counts.get(key) ?? 0) + 1)
        return (counts.get(key) ?? 0) <= limit.limit
      },
    },
  }
})

function routeOf(path: string, per: 'caller' | 'address'): Route {
  const match = siteOf().routes.match(path, 'GET')
  if (match.kind !== 'route') throw new Error('no route')
  return { ...match.route, rateLimit: { limit, per } }
}

async function outcome(
  path: string,
  per: 'caller' | 'address',
  headers: Record<string, string>,
): Promise<string> {
  const permit = await admit(ports, visit(path, { headers }), routeOf(path, per))
  return permit.ok ? permit.value.caller.kind : permit.denial.reason
}

const at = (address: string) => ({ 'cf-connecting-ip': address })

describe('a limit per address', () => {
  it('stands before the credential, so that what it refuses costs nothing', async () => {
    const headers = refreshOnly(at('203.0.113.7'))
    expect(await outcome('/api/x', 'address', headers)).toBe('session')
    expect(await outcome('/api/x', 'address', headers)).toBe('session')
    expect(await outcome('/api/x', 'address', headers)).toBe('rate_limited')
    expect(ports.asked).toEqual(['renew 0', 'renew 0'])
    expect(await outcome('/api/x', 'address', refreshOnly(at('203.0.113.8')))).toBe('session')
  })
})

describe('a limit per caller', () => {
  it('follows the person, wherever they come from', async () => {
    for (const address of ['203.0.113.7', '203.0.113.8'])
      expect(await outcome('/api/x', 'caller', await signedIn(at(address)))).toBe('session')
    expect(await outcome('/api/x', 'caller', await signedIn(at('203.0.113.9')))).toBe(
      'rate_limited',
    )
    expect(counts.size).toBe(1)
  })

  it('is not used up by who is refused', async () => {
    for (let i = 0; i < 4; i++)
      expect(await outcome('/api/x', 'caller', {})).toBe('session_missing')
    expect(counts.size).toBe(0)
  })

  it('counts who is nobody by address', async () => {
    for (const _ of [1, 2])
      expect(await outcome('/news/x', 'caller', at('203.0.113.7'))).toBe('anonymous')
    expect(await outcome('/news/x', 'caller', at('203.0.113.7'))).toBe('rate_limited')
    expect(await outcome('/news/x', 'caller', at('203.0.113.8'))).toBe('anonymous')
  })

  it('lets a session that was renewed on the way keep its new cookies', async () => {
    const ask = () =>
      admit(ports, visit('/api/x', { headers: refreshOnly() }), routeOf('/api/x', 'caller'))
    await ask()
    await ask()
    const refused = await ask()
    expect(refused).toMatchObject({ ok: false, denial: { reason: 'rate_limited' } })
    expect(refused.ok ? [] : refused.cookies).toHaveLength(2)
  })
})

it('asks no counter on a route without a limit', async () => {
  const match = siteOf().routes.match('/api/x', 'GET')
  if (match.kind !== 'route') throw new Error('no route')
  expect((await admit(ports, visit('/api/x', { headers: await signedIn() }), match.route)).ok).toBe(
    true,
  )
  expect(counts.size).toBe(0)
})
