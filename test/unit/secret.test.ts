import { inspect } from 'node:util'
import { expect, it } from 'vitest'

import { Secret } from '../../src/secret.ts'

it('gives its value to reveal alone', () => {
  const secret = new Secret('hunter2')
  expect(secret.reveal()).toBe('hunter2')
  const printed = [String(secret), secret.toString(), JSON.stringify({ secret }), inspect(secret)]
  for (const text of printed) expect(text).not.toContain('hunter2')
})
