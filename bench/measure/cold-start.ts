/**
 * How long the first bearer request of a new isolate takes: with the issuer's keys in KV, and with KV empty, where
 * they come through the issuer's object from the issuer. A new isolate is a new workerd here.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type RunningIssuer, startIssuer, tokensOf } from '../issuer.ts'
import { load, requestOf, withToken } from '../load.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import { untilExit } from '../temporary.ts'
import { bundleGate, gateWorker, plainWorker, startWorkers } from '../workers.ts'

interface Started {
  /** Milliseconds until the first answer of all, on a public route. */
  readonly first: number
  /** Milliseconds of the first verified request after it. */
  readonly verified: number
  /** Milliseconds of a verified request that is the first of all, in another isolate. */
  readonly alone: number
  /** Reads at the issuer that both isolates took. */
  readonly reads: { readonly metadata: number; readonly keys: number }
}

export async function measureColdStart(repetitions: number): Promise<Outcome> {
  const bundle = await bundleGate()
  const issuer = await startIssuer()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cold-'))
  const removeFolder = untilExit(folder)
  try {
    const warm: Started[] = []
    const empty: Started[] = []
    // Fills KV for the warm ones.
    const kept = join(folder, 'kept')
    await startOnce(bundle.script, issuer, kept, ['/bearer/x'])
    for (let i = 0; i < repetitions; i++) {
      const fresh = join(folder, `new-${String(i)}`)
      empty.push(await startTwice(bundle.script, issuer, [`${fresh}-a`, `${fresh}-b`]))
      warm.push(await startTwice(bundle.script, issuer, [kept, kept], () => forgetObjects(kept)))
    }
    const inKv = summary(warm)
    const nowhere = summary(empty)
    const rows = [
      { kv: 'warm', ...inKv },
      { kv: 'empty', ...nowhere },
    ]
    printTable(rows)
    const reached =
      inKv['reads of metadata'] + inKv['reads of keys'] === 0 &&
      inKv['verified ms'] <= nowhere['verified ms'] &&
      inKv['verified at once ms'] <= nowhere['verified at once ms']
    return { measure: 'cold-start', reached, repetitions, warm: rows[0], empty: rows[1] }
  } finally {
    await issuer.close()
    bundle.close()
    removeFolder()
  }
}

function summary(all: readonly Started[]) {
  return {
    'first ms': round(median(all.map(({ first }) => first)), 1),
    'verified ms': round(median(all.map(({ verified }) => verified)), 1),
    'verified at once ms': round(median(all.map(({ alone }) => alone)), 1),
    'reads of metadata': all.reduce((sum, { reads }) => sum + reads.metadata, 0),
    'reads of keys': all.reduce((sum, { reads }) => sum + reads.keys, 0),
  }
}

/** Two isolates: one that has answered a public request before, so that its configuration is read, and one that has not. */
async function startTwice(
  script: string,
  issuer: RunningIssuer,
  [one, other]: readonly [string, string],
  prepare: () => Promise<void> = () => Promise.resolve(),
): Promise<Started> {
  const { metadata, keys } = issuer.counts
  await prepare()
  const [first, verified] = await startOnce(script, issuer, one, ['/public/x', '/bearer/x'])
  await prepare()
  const [alone] = await startOnce(script, issuer, other, ['/bearer/x'])
  const reads = { metadata: issuer.counts.metadata - metadata, keys: issuer.counts.keys - keys }
  return { first: first ?? NaN, verified: verified ?? NaN, alone: alone ?? NaN, reads }
}

/**
 * Leaves KV alone: an issuer's object that remembers would answer for a KV that gives nothing, and the issuer
 * would see no difference. Rejects where Miniflare keeps its objects elsewhere.
 */
function forgetObjects(persisted: string): Promise<void> {
  return rm(join(persisted, 'do'), { recursive: true })
}

/** Milliseconds of each request, in turn, to a new isolate. */
async function startOnce(
  script: string,
  { signer }: RunningIssuer,
  persistTo: string,
  paths: readonly string[],
): Promise<readonly number[]> {
  const issuers = [{ id: 'issuer', issuer: signer.issuer, algorithms: [signer.algorithm] }]
  const running = await startWorkers(
    [gateWorker(script, { ISSUERS: issuers }), plainWorker('origin')],
    persistTo,
  )
  try {
    const [token = ''] = await tokensOf(signer, 1)
    const times: number[] = []
    for (const path of paths)
      times.push(await timed(running.port, path, path.startsWith('/bearer/') ? token : undefined))
    return times
  } finally {
    await running.close()
  }
}

async function timed(port: number, path: string, token?: string): Promise<number> {
  const request = requestOf(path, token === undefined ? {} : withToken(token))
  const { seconds, statuses } = await load({ port, requests: [request], connections: 1, most: 1 })
  if (statuses['200'] !== 1) throw new Error(`${path} answered ${Object.keys(statuses).join()}`)
  return seconds * 1000
}
