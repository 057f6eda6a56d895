import { env } from 'cloudflare:workers'
import { abortAllDurableObjects } from 'cloudflare:test'
import { describe, expect, it, vi } from 'vitest'

import type { MarkTarget } from '../../src/revocation/mark.ts'
import { stampSnapshot } from '../../src/revocation/snapshot.ts'
import { Denylist } from '../../src/platform/denylist.ts'
import type { Environment } from '../../src/platform/environment.ts'
import { eachTestHasItsWorld, pass } from './world.ts'

eachTestHasItsWorld()

const hour = { edgeFor: 3600, keepFor: 7200, reason: 'test', by: 'test' }

/** Marks something of the shop, from an isolate of its own. */
async function mark(target: MarkTarget, before: 'now' | number = 'now', site = 'shop') {
  await denylist().add([{ site, target, before, ...hour }])
}

/** The denylist of another isolate than any browser's. */
function denylist(): Denylist {
  return new Denylist({ ...env } as unknown as Environment)
}

/** An isolate whose authority takes so many milliseconds to answer, and does so on what it knew before. */
function withSlow(milliseconds: number): Denylist {
  const { DENYLIST_OBJECTS } = env as unknown as Environment
  const names = {
    getByName(name: string) {
      const stub = DENYLIST_OBJECTS.getByName(name) as unknown as {
        snapshot(since: unknown): Promise<ArrayBuffer>
      }
      return {
        async snapshot(since: unknown) {
          const bytes = await stub.snapshot(since)
          await scheduler.wait(milliseconds)
          return bytes
        },
      }
    },
  }
  return new Denylist({ ...env, DENYLIST_OBJECTS: names } as unknown as Environment)
}

describe('an authority that is slow', () => {
  const policy = { bound: 2, whenUnsure: 'closed', strict: false, watchConnections: true } as const
  const target: MarkTarget = { kind: 'session', id: 'ses_1' }
  const what = { names: [JSON.stringify(['shop', 'session', 'ses_1'])], issuedAt: 1 }

  it('makes knowledge as old as the question, so that nothing passes after the bound', async () => {
    const isolate = withSlow(1000)
    const first = isolate.isRevoked(what, policy)
    await scheduler.wait(300)
    await mark(target)
    const revokedAt = Date.now()
    // What was on its way did not know of it; it is dated from before.
    expect(await first).toBe(false)
    expect(isolate.age()).toBeGreaterThanOrEqual(1000)
    let last = revokedAt
    while (Date.now() < revokedAt + 3000) {
      const at = Date.now()
      if (!(await isolate.isRevoked(what, policy))) last = at
      await scheduler.wait(50)
    }
    expect(last - revokedAt).toBeLessThanOrEqual(policy.bound * 1000)
  })

  it('is not waited for without end', async () => {
    const isolate = withSlow(2500)
    await expect(isolate.isRevoked(what, policy)).rejects.toMatchObject({
      kind: 'revocation_unknown',
    })
  })

  it('that stored a mark and was gone before it answered has stored it', async () => {
    const { DENYLIST_OBJECTS } = env as unknown as Environment
    const names = {
      getByName: (name: string) => ({
        async add(marks: unknown) {
          await (
            DENYLIST_OBJECTS.getByName(name) as unknown as { add(m: unknown): Promise<void> }
          ).add(marks)
          throw new Error('gone')
        },
      }),
    }
    const isolate = new Denylist({ ...env, DENYLIST_OBJECTS: names } as unknown as Environment)
    await expect(
      isolate.add([{ site: 'shop', target, before: 'now', ...hour }]),
    ).rejects.toMatchObject({
      kind: 'storage_failed',
    })
    expect(await denylist().isRevoked(what, policy)).toBe(true)
  })

  it('that is started again has lost nothing', async () => {
    await mark(target)
    await abortAllDurableObjects()
    expect(await denylist().isRevoked(what, policy)).toBe(true)
  })
})

/** Isolates of one location, whose authority's clock is off by so many milliseconds. */
function location(clockOff: number) {
  const { DENYLIST_OBJECTS } = env as unknown as Environment
  return () => {
    const asked = { snapshots: 0 }
    const names = {
      getByName(name: string) {
        const stub = DENYLIST_OBJECTS.getByName(name) as unknown as {
          snapshot(since: unknown): Promise<ArrayBuffer>
        }
        return {
          async snapshot(since: unknown) {
            asked.snapshots += 1
            const bytes = (await stub.snapshot(since)).slice(0)
            stampSnapshot(bytes, Date.now() + clockOff)
            return bytes
          },
        }
      },
    }
    const isolate = new Denylist({ ...env, DENYLIST_OBJECTS: names } as unknown as Environment)
    return { isolate, asked }
  }
}

describe('isolates of one location', () => {
  const policy = { bound: 12, whenUnsure: 'closed', strict: false, watchConnections: true } as const
  const target: MarkTarget = { kind: 'session', id: 'ses_1' }
  const what = { names: [JSON.stringify(['shop', 'session', 'ses_1'])], issuedAt: 1 }

  it.each([0, 60_000, -60_000])(
    'share what one of them fetched, and none decides past the bound, with a clock that is off by %i ms',
    async (clockOff) => {
      const isolateOf = location(clockOff)
      const [one, two] = [isolateOf(), isolateOf()]
      for (const { isolate } of [one, two])
        expect(await isolate.isRevoked(what, policy)).toBe(false)
      // Each has asked once, so that it knows how the authority's clock stands to its own.
      expect([one.asked.snapshots, two.asked.snapshots]).toEqual([1, 1])
      pass(7)
      expect(await one.isolate.isRevoked(what, policy)).toBe(false)
      await vi.waitFor(() => expect(one.asked.snapshots).toBe(2))
      await scheduler.wait(100)
      expect(await two.isolate.isRevoked(what, policy)).toBe(false)
      await scheduler.wait(100)
      expect(two.asked.snapshots).toBe(1)
      expect(two.isolate.age()).toBeLessThan(3000)
      // What the copy says is as old as it is, not as new as its being found.
      await mark(target)
      pass(4)
      expect(await two.isolate.isRevoked(what, policy)).toBe(false)
      pass(9)
      expect(await two.isolate.isRevoked(what, policy)).toBe(true)
    },
  )
})

describe('growing lists', () => {
  it('travel as additions, and whole again after a removal', async () => {
    const ours = denylist()
    const policy = {
      bound: 2,
      whenUnsure: 'closed',
      strict: false,
      watchConnections: true,
    } as const
    const of = (id: string) => ({ names: [JSON.stringify(['shop', 'session', id])], issuedAt: 1 })
    for (let i = 0; i < 5; i++) {
      await mark({ kind: 'session', id: `ses_${String(i)}` })
      pass(3)
      expect(await ours.isRevoked(of(`ses_${String(i)}`), policy)).toBe(true)
    }
    await denylist().remove('shop', { kind: 'session', id: 'ses_2' })
    pass(3)
    expect(await ours.isRevoked(of('ses_2'), policy)).toBe(false)
    for (const id of ['ses_0', 'ses_1', 'ses_3', 'ses_4'])
      expect(await ours.isRevoked(of(id), policy), id).toBe(true)
  })
})
