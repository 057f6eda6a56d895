/** What a process holds after many requests of people who never come twice. */
import { tokensOf } from '../issuer.ts'
import { requestOf, withToken } from '../load.ts'
import type { LoadProcess } from '../load-process.ts'
import { residentKiB } from '../processes.ts'
import { median, round } from '../report.ts'
import type { Gate, World } from './world.ts'

/** Requests since the warm-up, and MiB held after them. */
export interface Held {
  readonly requests: number
  readonly mib: number
}

/** Fills what is bounded, several times over. */
const warmUp = 10_000
/** Tokens made at once: they are held here until they are sent. */
const batch = 10_000

/** A sample after the warm-up, and one after each tenth of the requests. */
export async function measureMemory(
  generator: LoadProcess,
  world: World,
  gate: Gate,
  requests: number,
): Promise<readonly Held[]> {
  const host = { Host: new URL(gate.site).host }
  let sent = 0
  const send = async (count: number) => {
    const tokens = await tokensOf(world.issuer.signer, count, { first: sent })
    const { statuses } = await generator.load({
      port: gate.port,
      requests: tokens.map((token) => requestOf('/bearer/x', { ...host, ...withToken(token) })),
      connections: 16,
      most: count,
    })
    if (Object.keys(statuses).join() !== '200') throw new Error(JSON.stringify(statuses))
    sent += count
  }
  await send(warmUp)
  const held: Held[] = [heldBy(gate, 0)]
  for (let tenth = 1; tenth <= 10; tenth++) {
    let left = warmUp + Math.round((requests * tenth) / 10) - sent
    for (; left > 0; left -= batch) await send(Math.min(batch, left))
    const sample = heldBy(gate, sent - warmUp)
    console.log(`memory: ${String(sample.mib)} MiB after ${String(sample.requests)} requests`)
    held.push(sample)
  }
  return held
}

/** The last three tenths, times the first three. */
export function growthOf(memory: readonly Held[]): number {
  const mibs = memory.slice(1).map(({ mib }) => mib)
  return median(mibs.slice(-3)) / median(mibs.slice(0, 3))
}

function heldBy({ pid }: Gate, requests: number): Held {
  return { requests, mib: round(residentKiB(pid) / 1024, 1) }
}
