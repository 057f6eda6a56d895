import { expect, describe, it } from 'vitest'

import { machineToken } from './machine.ts'
import { grace, play } from './thief.ts'
import { aWorld } from './world.ts'

// The access cookie lives long enough for a mark on it to be seen
const session = { access: '8s', grace: `${String(grace)}s` }

describe('A session on a bad network', () => {
  const world = aWorld({ session })

  it(
    'twenty tabs, two browsers and a thief, with the network dropping every third response, behave as the model says',
    { timeout: 300_000 },
    async () => {
      const operator = await machineToken(world(), 'sallyport-machine', '/auth/operator')
      // Each with people and a network of its own: at once, since most of the time is waiting
      const games = await Promise.all([1, 2, 3].map((seed) => play(world(), operator, seed)))
      // Nobody was found out by chance: the thief used the copy, and the network lost what it had to
      for (const { stolenUses, lost, answers } of games) {
        expect(stolenUses).toBeGreaterThan(0)
        expect(lost).toBe(Math.floor(answers / 3))
      }
    },
  )
})
