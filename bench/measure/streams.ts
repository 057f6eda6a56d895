/**
 * Bodies through the gate, to and from an origin on loopback: that all bytes arrive, what memory the runtime takes for it,
 * that a slow end makes the other wait, and how long an event is on its way.
 */
import { request, type ServerResponse } from 'node:http'

import { makeSigner, tokensOf } from '../issuer.ts'
import { withToken } from '../load.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import {
  answerTo,
  type Place,
  startTransferOrigin,
  type Transfer,
  type TransferOrigin,
} from '../transfer.ts'
import { growthDuring, workerds } from '../processes.ts'
import { bundleGate, gateWorker, plainWorker, startWorkers } from '../workers.ts'

const mebi = 1024 * 1024
const gibi = 1024 * mebi
/** Mebibytes that workerd may grow: half of what an isolate may have on the network, a sixteenth of a large body. */
const growthMark = 64
/**
 * Mebibytes that a slow end may be behind, whatever the size: the system keeps up to 32 at a receiving socket and 4 at a
 * sending one. A quarter of the body.
 */
const leadMark = 64
/** Milliseconds above the direct way, for 99 of 100 events. */
const eventMark = 25
const events = 2000

const slow = 24 * mebi
const transfers: readonly (Transfer & { readonly end: 'fast' | 'slow' })[] = (
  ['download', 'upload'] as const
).flatMap((direction) => [
  { direction, end: 'fast', size: gibi, rate: undefined },
  { direction, end: 'slow', size: gibi / 4, rate: slow },
])

interface Way extends Omit<Place, 'path'> {
  readonly name: string
  readonly prefix: string
}

export async function measureStreams(): Promise<Outcome> {
  const signer = await makeSigner('ES256', 'https://as.test')
  const [token = ''] = await tokensOf(signer, 1)
  const origin = await startTransferOrigin()
  const url = `http://127.0.0.1:${String(origin.port)}`
  // An upload of a gibibyte is within the time for the headers.
  const upstream = { url, timeout: '5m' }
  const access = { any: ['bearer'], audience: 'api' }
  const routes = [
    { path: '/public/*', access: 'public', upstream },
    { path: '/bearer/*', access, upstream },
    { path: '/idle/*', access, upstream: { ...upstream, idle: '30s' } },
  ]
  const vars = {
    ISSUERS: [{ id: 'as', issuer: signer.issuer, algorithms: ['ES256'], keys: [signer.publicJwk] }],
    SITES: [{ id: 'gate', hosts: ['localhost'], development: true, routes }],
  }
  const bundle = await bundleGate()
  const gate = await startWorkers([gateWorker(bundle.script, vars), plainWorker('origin')])
  try {
    const headers = { host: 'localhost', ...withToken(token) }
    const direct = { name: 'direct', port: origin.port, prefix: '/direct', headers }
    const through = (name: string, prefix: string) => ({ name, port: gate.port, prefix, headers })
    const gated = through('gate', '/bearer')
    const watched = through('gate, idle', '/idle')
    const bodies = await measureBodies(origin, [direct, gated, watched])
    console.log()
    const latencies = await measureEvents(origin, [
      direct,
      through('gate, public', '/public'),
      through('gate, watched', '/bearer'),
      watched,
    ])
    return { measure: 'streams', reached: bodies.reached && latencies.reached, bodies, latencies }
  } finally {
    await Promise.all([gate.close(), origin.close()])
    bundle.close()
  }
}

async function measureBodies(origin: TransferOrigin, ways: readonly Way[]) {
  const processes = workerds()
  const rows = []
  for (const way of ways) {
    // What any transfer needs is there before, the heap too to which the language grows once, before it collects.
    const first = { ...way, path: `${way.prefix}/download` }
    await origin.run({ direction: 'download', size: gibi, rate: undefined }, first)
    for (const { end, ...transfer } of transfers) {
      const place = { ...way, path: `${way.prefix}/${transfer.direction}` }
      await origin.run({ ...transfer, size: mebi, rate: undefined }, place)
      const start = performance.now()
      const { growth, value: done } = await growthDuring(processes, () =>
        origin.run(transfer, place),
      )
      const seconds = (performance.now() - start) / 1000
      const isWhole = done.received === transfer.size && done.sentHash === done.receivedHash
      rows.push({
        way: way.name,
        body: transfer.direction,
        receiver: end,
        MiB: transfer.size / mebi,
        'MiB/s': round(transfer.size / mebi / seconds, 0),
        whole: isWhole ? 'yes' : 'NO',
        'workerd grew, MiB': way.name === 'direct' ? '' : round(growth / mebi, 1),
        'sender ahead, MiB': round(done.lead / mebi, 1),
      })
    }
  }
  printTable(rows)
  const reached = rows.every(
    (row) =>
      row.whole === 'yes' &&
      Number(row['workerd grew, MiB']) <= growthMark &&
      (row.receiver === 'fast' || row['sender ahead, MiB'] <= leadMark),
  )
  console.log(
    `\nMarks: every byte; workerd grows by ${String(growthMark)} MiB at most; ` +
      `a slow receiver is at most ${String(leadMark)} MiB behind.`,
  )
  return { reached, growthMark, leadMark, rows }
}

async function measureEvents(origin: TransferOrigin, ways: readonly Way[]) {
  const rows = []
  let limit = 0
  let reached = true
  for (const way of ways) {
    const times = (await eventTimes(origin, way)).toSorted((a, b) => a - b)
    const p99 = times[Math.floor(times.length * 0.99)] ?? Number.NaN
    if (way.name === 'direct') limit = p99 + eventMark
    if (times.length !== events || !(p99 <= limit)) reached = false
    rows.push({
      way: way.name,
      events: times.length,
      'p50, ms': round(median(times)),
      'p99, ms': round(p99),
      'most, ms': round(times.at(-1) ?? Number.NaN),
    })
  }
  printTable(rows)
  console.log(
    '\nMarks: every event is read before the next is written; ' +
      `p99 is at most ${String(eventMark)} ms above the direct way.`,
  )
  return { reached, eventMark, rows }
}

/** Milliseconds from the origin's write to the client's read. An event is written when the one before has been read. */
async function eventTimes(
  origin: TransferOrigin,
  { port, prefix, headers }: Way,
): Promise<readonly number[]> {
  const times: number[] = []
  let writtenAt = 0
  let to: ServerResponse | undefined
  const write = () => {
    writtenAt = performance.now()
    to?.write(`data: ${String(times.length)}\n\n`)
  }
  origin.events = (response) => {
    to = response
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    write()
  }
  const outgoing = request({ host: '127.0.0.1', port, path: `${prefix}/events`, headers })
  outgoing.end()
  const response = await answerTo(outgoing)
  // One that waits for the next waits for ever: those that came are told.
  const stuck = setTimeout(() => response.destroy(), 60_000)
  await new Promise<void>((resolve) => {
    response.on('error', () => resolve())
    response.on('close', resolve)
    response.on('data', (chunk: Buffer) => {
      if (chunk.toString() !== `data: ${String(times.length)}\n\n`) return void response.destroy()
      times.push(performance.now() - writtenAt)
      if (times.length < events) setTimeout(write, 1)
      else to?.end()
    })
  })
  clearTimeout(stuck)
  return times
}
