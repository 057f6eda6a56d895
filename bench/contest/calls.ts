/** How many calls of Durable Objects and uses of KV a request causes, by kind of request. Counted, not estimated. */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { join } from 'node:path'

import { tokensOf } from '../issuer.ts'
import { withToken } from '../load.ts'
import { gateWorker } from '../workers.ts'
import type { Gate, World } from './world.ts'

/** By binding. */
export type Counts = Readonly<Record<string, number>>

export interface Calls {
  /** Of a hundred warm requests together. */
  readonly session: Counts
  readonly bearer: Counts
  readonly public: Counts
  /** Of one renewal. */
  readonly renewal: Counts
}

const warm = 100

export async function countCalls(world: World): Promise<Calls> {
  const gate = await world.startGateOf((vars) => {
    const { scriptPath: _, modules: __, rootPath: ___, ...worker } = gateWorker('', vars)
    return { ...worker, modules: watchedModules(world.gateScript) }
  })
  const [token = ''] = await tokensOf(world.issuer.signer, 1)
  const bearer = { headers: withToken(token) }
  const own = { headers: { 'sec-fetch-site': 'same-origin' } }
  // Keys, the denylist and the session are at hand from here on.
  await ask(gate, '/session/x', own)
  await ask(gate, '/bearer/x', bearer)
  await takeCounts(gate)
  const counts = {
    session: await countsOf(gate, '/session/x', own, warm),
    bearer: await countsOf(gate, '/bearer/x', bearer, warm),
    public: await countsOf(gate, '/public/x', own, warm),
  }
  gate.person.forgetAccess()
  return { ...counts, renewal: await countsOf(gate, '/session/x', own, 1) }
}

export function sumOf(counts: Counts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}

function watchedModules(script: string) {
  const watching = readFileSync(join(import.meta.dirname, '../workers/counted.ts'), 'utf8')
  return [
    { type: 'ESModule', path: 'counted.js', contents: stripTypeScriptTypes(watching) },
    { type: 'ESModule', path: 'gate', contents: readFileSync(script, 'utf8') },
  ]
}

async function countsOf(
  gate: Gate,
  path: string,
  init: RequestInit,
  times: number,
): Promise<Counts> {
  for (let i = 0; i < times; i++) await ask(gate, path, init)
  return takeCounts(gate)
}

async function ask({ person, site }: Gate, path: string, init: RequestInit): Promise<void> {
  const isSession = path.startsWith('/session/')
  const response = isSession ? await person.send(site + path, init) : await fetch(site + path, init)
  if (response.status !== 200) throw new Error(`${path} answered ${String(response.status)}`)
  await response.arrayBuffer()
}

async function takeCounts({ site }: Gate): Promise<Counts> {
  return (await (await fetch(`${site}/counts`)).json()) as Counts
}
