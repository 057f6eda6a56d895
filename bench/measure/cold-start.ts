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
import { bundleGate, gateWorker, plainWorker, startWorkers } from '../workers.ts'

interface Started {
  /** Milliseconds until the first answer of all, on a public route. */
  readonly first: number
  /** Milliseconds of the first verified request after it. */
  readonly verified: number
  /** Reads of the issuer's keys that it took. */
  readonly reads: number
}

export async function measureColdStart(repetitions: number): Promise<Outcome> {
  const bundle = await bundleGate()
  const issuer = await startIssuer()
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-cold-'))
  try {
    const warm: Started[] = []
    const empty: Started[] = []
    // Fills KV for the warm ones.
    await startOnce(bundle.script, issuer, join(folder, 'kept'))
    for (let i = 0; i < repetitions; i++) {
      empty.push(await startOnce(bundle.script, issuer, join(folder, `new-${String(i)}`)))
      warm.push(await startOnce(bundle.script, issuer, join(folder, 'kept')))
    }
    const rows = [
      { kv: 'warm', ...summary(warm) },
      { kv: 'empty', ...summary(empty) },
    ]
    printTable(rows)
    const reads = warm.reduce((sum, one) => sum + one.reads, 0)
    const reached = reads === 0 && summary(warm)['verified ms'] <= summary(empty)['verified ms']
    return { measure: 'cold-start', reached, repetitions, warm: rows[0], empty: rows[1] }
  } finally {
    await Promise.all([issuer.close(), bundle.close()])
    await rm(folder, { recursive: true, force: true })
  }
}

function summary(all: readonly Started[]) {
  return {
    'first ms': round(median(all.map(({ first }) => first)), 1),
    'verified ms': round(median(all.map(({ verified }) => verified)), 1),
    'reads of keys': all.reduce((sum, { reads }) => sum + reads, 0),
  }
}

async function startOnce(
  script: string,
  { signer, counts }: RunningIssuer,
  persistTo: string,
): Promise<Started> {
  const issuers = [{ id: 'issuer', issuer: signer.issuer, algorithms: [signer.algorithm] }]
  const running = await startWorkers(
    [gateWorker(script, { ISSUERS: issuers }), plainWorker('origin')],
    persistTo,
  )
  try {
    const before = counts.keys
    const [token = ''] = await tokensOf(signer, 1)
    const first = await timed(running.port, '/public/x')
    const verified = await timed(running.port, '/bearer/x', token)
    return { first, verified, reads: counts.keys - before }
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
