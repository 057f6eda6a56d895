/** What a process holds after many requests of people who never come twice. */
import { tokensOf } from '../issuer.ts'
import { requestOf, withToken } from '../load.ts'
import type { LoadProcess } from '../load-process.ts'
import { residentKiB } from '../processes.ts'
import { round } from '../report.ts'
import type { Gate, World } from './world.ts'

/** Requests, and MiB held after them. */
export interface Held {
  readonly requests: number
  readonly mib: number
}

/** Steps of `each` requests: the first ones fill what is bounded, the later ones must not add to it. */
export async function measureMemory(
  generator: LoadProcess,
  world: World,
  gate: Gate,
  steps: number,
  each: number,
): Promise<readonly Held[]> {
  const host = { Host: new URL(gate.site).host }
  const held: Held[] = [{ requests: 0, mib: mibOf(gate) }]
  for (let step = 1; step <= steps; step++) {
    const requests = (
      await tokensOf(world.issuer.signer, each, (i) => ({ n: step * each + i }))
    ).map((token) => requestOf('/bearer/x', { ...host, ...withToken(token) }))
    const { statuses } = await generator.load({
      port: gate.port,
      requests,
      connections: 16,
      most: each,
    })
    if (Object.keys(statuses).join() !== '200') throw new Error(JSON.stringify(statuses))
    held.push({ requests: step * each, mib: mibOf(gate) })
  }
  return held
}

function mibOf({ pid }: Gate): number {
  return round(residentKiB(pid) / 1024, 1)
}
