/** What new processes hold after many requests of people who never come twice: the gate, and beside it what only passes on. */
import { tokensOf } from '../issuer.ts'
import { requestOf, withToken } from '../load.ts'
import type { LoadProcess } from '../load-process.ts'
import { residentKiB } from '../processes.ts'
import { median, round } from '../report.ts'
import { atMost, type Mark } from './marks.ts'
import type { Contender, World } from './world.ts'

/** Requests since the warm-up, and MiB held after them. */
export interface Held {
  readonly requests: number
  readonly gate: number
  readonly passThrough: number
}

export type Watched = Exclude<keyof Held, 'requests'>

/** Fills what is bounded, several times over. */
const warmUp = 10_000
/** Tokens made at once: they are held here until they are sent. */
const batch = 10_000

/** A sample after the warm-up, and one after each tenth of the requests. */
export async function measureMemory(
  generator: LoadProcess,
  world: World,
  requests: number,
): Promise<readonly Held[]> {
  const gate = await world.startGate()
  const passThrough = await world.startPassThrough()
  let sent = 0
  const send = async (count: number) => {
    const tokens = await tokensOf(world.issuer.signer, count, { first: sent })
    for (const { site, port } of [gate, passThrough]) {
      const host = { Host: new URL(site).host }
      const { statuses } = await generator.load({
        port,
        requests: tokens.map((token) => requestOf('/bearer/x', { ...host, ...withToken(token) })),
        connections: 16,
        most: count,
      })
      if (Object.keys(statuses).join() !== '200') throw new Error(JSON.stringify(statuses))
    }
    sent += count
  }
  const sample = (): Held => ({
    requests: sent - warmUp,
    gate: mibOf(gate),
    passThrough: mibOf(passThrough),
  })
  await send(warmUp)
  const held: Held[] = [sample()]
  for (let tenth = 1; tenth <= 10; tenth++) {
    let left = warmUp + Math.round((requests * tenth) / 10) - sent
    for (; left > 0; left -= batch) await send(Math.min(batch, left))
    const now = sample()
    const { gate: ours, passThrough: bare } = now
    console.log(
      `memory after ${String(now.requests)} requests: ${String(ours)} MiB, pass-through ${String(bare)}`,
    )
    held.push(now)
  }
  return held
}

/** The last three tenths, times the first three. */
export function growthOf(memory: readonly Held[], of: Watched): number {
  const mibs = memory.slice(1).map((held) => held[of])
  return median(mibs.slice(-3)) / median(mibs.slice(0, 3))
}

/** New processes grow whatever runs in them: what is the gate's own shows beside the pass-through. */
export function marksOfMemory(memory: readonly Held[], requests: number): readonly Mark[] {
  const over = `memory over ${requests.toLocaleString('en')} requests`
  const growth = growthOf(memory, 'gate')
  return [
    atMost(`${over}: last three tenths, times the first three`, growth, 1.1),
    atMost(
      `${over}: that, times the pass-through's`,
      growth / growthOf(memory, 'passThrough'),
      1.1,
    ),
  ]
}

function mibOf({ pid }: Contender): number {
  return round(residentKiB(pid) / 1024, 1)
}
