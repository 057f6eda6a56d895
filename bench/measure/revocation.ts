/**
 * From an accepted revocation to the last acceptance anywhere. Several isolates share the denylist; each trial revokes
 * one person at one of them and asks all of them until all refuse. A request counts by when it was sent: the gate
 * decides no earlier.
 */
import { Agent, request } from 'node:http'

import { makeSigner, operatorToken, type Signer, tokensOf } from '../issuer.ts'
import { toIsolate } from '../load.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import { bundleGate, manyIsolates, startWorkers } from '../workers.ts'

const isolates = 6
const atOnce = 20
/** Milliseconds: of the route, and between two requests of one trial at one isolate. */
const bound = 2000
const every = 100

export async function measureRevocation(trials: number): Promise<Outcome> {
  const bundle = await bundleGate()
  const signer = await makeSigner('ES256', 'https://as.test')
  const issuer = {
    id: 'as',
    issuer: signer.issuer,
    algorithms: ['ES256'],
    keys: [signer.publicJwk],
  }
  const running = await startWorkers(manyIsolates(bundle.script, { ISSUERS: [issuer] }, isolates))
  const agent = new Agent({ keepAlive: true })
  try {
    const gate: Gate = { port: running.port, agent, signer, operator: await operatorToken(signer) }
    const tokens = await tokensOf(signer, trials)
    const last: number[] = []
    for (let i = 0; i < trials; i += atOnce) {
      const batch = tokens.slice(i, i + atOnce)
      last.push(...(await Promise.all(batch.map((token, j) => trial(gate, token, i + j)))))
    }
    const sorted = last.toSorted((a, b) => a - b)
    const at = (share: number) => round(sorted[Math.floor((sorted.length - 1) * share)] ?? 0, 0)
    const row = { trials, median: round(median(last), 0), p90: at(0.9), p99: at(0.99), max: at(1) }
    console.log(
      `Milliseconds from the accepted revocation to the last acceptance anywhere; bound ${String(bound)}.\n`,
    )
    printTable([row])
    return { measure: 'revocation', reached: row.max <= bound, bound, isolates, ...row }
  } finally {
    agent.destroy()
    await running.close()
    bundle.close()
  }
}

interface Gate {
  readonly port: number
  readonly agent: Agent
  readonly signer: Signer
  readonly operator: string
}

/** Milliseconds after the revocation was accepted at which the last request was sent that passed; 0 for none. */
async function trial(gate: Gate, token: string, i: number): Promise<number> {
  for (let isolate = 0; isolate < isolates; isolate++) {
    const { status } = await ask(gate, '/bounded/x', toIsolate(token, isolate))
    if (status !== 200)
      throw new Error(`before its revocation a token is answered ${String(status)}`)
  }
  // Not all at the same point of their isolates' renewals.
  await pause(Math.random() * bound)
  const mark = {
    kind: 'subject',
    issuer: gate.signer.issuer,
    id: `person-${String(i)}`,
    reason: 'trial',
  }
  const { status } = await ask(
    gate,
    '/auth/operator/marks',
    toIsolate(gate.operator, i % isolates),
    JSON.stringify(mark),
  )
  const acceptedAt = performance.now()
  if (status !== 201) throw new Error(`the revocation is answered ${String(status)}`)
  const last = await Promise.all(
    Array.from({ length: isolates }, (_, isolate) => untilRefused(gate, token, isolate)),
  )
  return Math.max(0, Math.max(...last) - acceptedAt)
}

/** When the last request was sent that passed. */
async function untilRefused(gate: Gate, token: string, isolate: number): Promise<number> {
  let last = 0
  for (let refusals = 0; refusals < 3;) {
    const sentAt = performance.now()
    const { status } = await ask(gate, '/bounded/x', toIsolate(token, isolate))
    if (status === 200) {
      last = sentAt
      refusals = 0
    } else refusals += 1
    await pause(every)
  }
  return last
}

function ask(
  { port, agent }: Gate,
  path: string,
  headers: Readonly<Record<string, string>>,
  body?: string,
): Promise<{ readonly status: number }> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          host: 'localhost',
          ...headers,
          ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        },
      },
      (response) => {
        response.resume()
        response.on('end', () => resolve({ status: response.statusCode ?? 0 }))
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
