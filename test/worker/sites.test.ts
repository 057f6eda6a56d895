import { env } from 'cloudflare:workers'
import { describe, expect, it } from 'vitest'

import worker from '../../src/index.ts'
import { credentials } from './sites/credentials.ts'
import { cross } from './sites/crossing.ts'
import type { Deployment } from './sites/deployment.ts'
import { effects } from './sites/effects.ts'
import { hosts } from './sites/hosts.ts'
import { eachTestHasItsWorld, world } from './world.ts'

eachTestHasItsWorld()

function deployment(): Deployment {
  const environment = { ...env }
  return {
    outside: world.outside,
    send: (url, sent) =>
      worker.fetch(
        new Request(url, { redirect: 'manual', ...sent }) as never,
        environment as never,
      ),
  }
}

describe('what is one site’s is nothing to another', () => {
  it.each([...credentials, ...effects])(
    '$what',
    async (written) => {
      const { bad, passed, pairs } = await cross(deployment(), written)
      expect(bad, 'not good at home').toEqual([])
      expect(passed, 'passed at another site').toEqual([])
      expect(pairs).toBeGreaterThanOrEqual(10)
    },
    120_000,
  )
})

describe('hosts', () => {
  it.each(hosts)('$what', async ({ ask, expected }) => {
    expect(await ask(deployment())).toBe(expected)
  })
})
