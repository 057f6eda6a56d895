import { expect, it, vi } from 'vitest'

vi.mock('cloudflare:workers', () => ({
  DurableObject: class {
    ctx: unknown
    env: unknown
    constructor(ctx: unknown, env: unknown) {
      this.ctx = ctx
      this.env = env
    }
  },
  waitUntil: () => {},
}))

it('probe', async () => {
  const { SessionObject } = await import('../../../src/platform/session-object.ts')
  expect(SessionObject).toBeDefined()
})
