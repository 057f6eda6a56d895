/**
 * What marks cost: a lookup, the memory of an isolate, the bytes of a renewal, and the throughput of the gate, with none,
 * 10,000 and 100,000 of them alive.
 */
import type { NewMark } from '../../src/revocation/mark.ts'
import {
  beforeOf,
  decodeSnapshot,
  encodeSnapshot,
  type Entry,
} from '../../src/revocation/snapshot.ts'
import { makeSigner, tokensOf } from '../issuer.ts'
import { load, requestOf, withToken } from '../load.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import { bundleGate, gateWorker, objectsOf, plainWorker, startWorkers } from '../workers.ts'

const counts = [0, 10_000, 100_000]
const rounds = 5
/** Of the throughput without marks. */
const mark = 0.9

export async function measureRevocationCost(seconds: number): Promise<Outcome> {
  const perSecond = await throughputs(seconds)
  const without = median(perSecond.get(0) ?? [])
  const rows = counts.map((count) => {
    const entries = entriesOf(count)
    const head = { epoch: 1, version: count, stamp: 0, instance: 1, key: new Uint8Array(32) }
    const whole = encodeSnapshot({ ...head, base: -1 }, entries)
    return {
      marks: count,
      'lookup ns': round(lookupNanoseconds(whole), 0),
      'KiB in the isolate': round(whole.byteLength / 1024, 1),
      'bytes, nothing new': encodeSnapshot({ ...head, base: count }, []).byteLength,
      'bytes, ten new': encodeSnapshot({ ...head, base: count }, entriesOf(10)).byteLength,
      'requests/s': round(median(perSecond.get(count) ?? []), 0),
      ratio: round(median(perSecond.get(count) ?? []) / without),
    }
  })
  printTable(rows)
  const reached = rows.every(({ ratio }) => ratio >= mark)
  console.log(
    `\nThroughput with 100,000 marks: ${String(rows.at(-1)?.ratio)} of that with none; the mark is ${String(mark)}.`,
  )
  return { measure: 'revocation-cost', reached, mark, rows }
}

function entriesOf(count: number): readonly Entry[] {
  const fingerprints = new Set<number>()
  while (fingerprints.size < count) fingerprints.add(Math.floor(Math.random() * 2 ** 53))
  return [...fingerprints]
    .toSorted((a, b) => a - b)
    .map((fingerprint) => ({ fingerprint, before: 1_800_000_000 }))
}

function lookupNanoseconds(whole: ArrayBuffer): number {
  const snapshot = decodeSnapshot(whole)
  if (snapshot === undefined) throw new Error('a snapshot cannot be read')
  const asked = entriesOf(1000).map(({ fingerprint }) => fingerprint)
  const times = 1_000_000
  let found = 0
  const start = performance.now()
  for (let i = 0; i < times; i++) found += beforeOf(snapshot, asked[i % 1000] ?? 0)
  const took = performance.now() - start
  if (found > times * 1_800_000_000) throw new Error('more was found than there is')
  return (took * 1e6) / times
}

/** Requests per second by number of marks, in turn. */
async function throughputs(seconds: number): Promise<ReadonlyMap<number, readonly number[]>> {
  const bundle = await bundleGate()
  const signer = await makeSigner('ES256', 'https://as.test')
  const issuer = {
    id: 'as',
    issuer: signer.issuer,
    algorithms: ['ES256'],
    keys: [signer.publicJwk],
  }
  const gates = await Promise.all(
    counts.map(async (count) => {
      const workers = [gateWorker(bundle.script, { ISSUERS: [issuer] }), plainWorker('origin')]
      const running = await startWorkers(workers)
      await addMarks(running, count)
      return { count, running }
    }),
  )
  const perSecond = new Map<number, number[]>(counts.map((count) => [count, []]))
  try {
    const requests = (await tokensOf(signer, 50)).map((token) =>
      requestOf('/bearer/x', withToken(token)),
    )
    for (let i = 0; i <= rounds; i++) {
      for (const { count, running } of gates) {
        const answered = await load({ port: running.port, requests, connections: 16, seconds })
        if (Object.keys(answered.statuses).join() !== '200')
          throw new Error(`with ${String(count)} marks: ${JSON.stringify(answered.statuses)}`)
        if (i > 0) perSecond.get(count)?.push(answered.perSecond)
      }
    }
    return perSecond
  } finally {
    await Promise.all(gates.map(({ running }) => running.close()))
    bundle.close()
  }
}

async function addMarks(running: Parameters<typeof objectsOf>[0], count: number): Promise<void> {
  const objects = await objectsOf(running, 'DENYLIST_OBJECTS')
  const shard = objects.getByName('marks/1/0/1') as unknown as {
    add(marks: readonly NewMark[]): Promise<void>
  }
  for (let i = 0; i < count; i += 1000) {
    await shard.add(
      Array.from({ length: 1000 }, (_, j) => ({
        site: 'gate',
        target: { kind: 'session', id: `ses_${String(i + j)}` },
        before: 'now',
        edgeFor: 3600,
        keepFor: 3600,
        reason: 'measured',
        by: 'measure',
      })),
    )
  }
}
