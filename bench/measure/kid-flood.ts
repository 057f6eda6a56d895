/**
 * An attacker sends tokens that name keys which nobody has, to many isolates at once. The issuer counts how often
 * its keys are read: at most once when they are first needed, and once a cool-down from then on.
 */
import { startIssuer, tokensOf } from '../issuer.ts'
import { load, requestOf, withToken } from '../load.ts'
import { type Outcome, printTable, round } from '../report.ts'
import { bundleGate, gateWorker, plainWorker, startWorkers } from '../workers.ts'

const isolates = 6
const flood = 10_000
/** Seconds: the configuration's own default. */
const coolDown = 30
const waves = 3

export async function measureKidFlood(): Promise<Outcome> {
  const bundle = await bundleGate()
  const issuer = await startIssuer()
  const { signer, counts } = issuer
  const vars = {
    ISSUERS: [{ id: 'issuer', issuer: signer.issuer, algorithms: [signer.algorithm] }],
  }
  const running = await startWorkers(deployment(bundle.script, vars))
  try {
    const [honest = ''] = await tokensOf(signer, 1)
    const made = await tokensOf(signer, flood, (i) => ({ kid: `made-up-${String(i)}` }))
    const start = performance.now()
    const rows: Readonly<Record<string, number>>[] = []
    let accepted = 0
    let refused = 0
    let honestRefused = 0
    for (let wave = 0; wave < waves; wave++) {
      // Waves lie further apart than the cool-down, so that each may cost the issuer one read and no more.
      const wait = start + wave * (coolDown + 3) * 1000 - performance.now()
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait))
      honestRefused += await honestCalls(running.port, honest)
      const part = made.slice((wave * flood) / waves, ((wave + 1) * flood) / waves)
      const { statuses, perSecond } = await load({
        port: running.port,
        requests: part.map((token, i) => requestOf('/bearer/x', toIsolate(token, i))),
        connections: 32,
        most: part.length,
      })
      honestRefused += await honestCalls(running.port, honest)
      accepted += statuses['200'] ?? 0
      refused += statuses['401'] ?? 0
      rows.push({
        wave: wave + 1,
        'at s': round((performance.now() - start) / 1000, 1),
        refused: statuses['401'] ?? 0,
        'per s': round(perSecond, 0),
        'reads of keys so far': counts.keys,
      })
    }
    const seconds = (performance.now() - start) / 1000
    // One read when the keys are first needed, then one for each cool-down that has begun.
    const allowed = 1 + Math.floor(seconds / coolDown)
    printTable(rows)
    console.log(
      `\n${String(refused)} made-up keys to ${String(isolates)} isolates in ${String(round(seconds, 0))} s: ` +
        `${String(counts.keys)} reads at the issuer, ${String(allowed)} allowed.`,
    )
    const reached =
      counts.keys <= allowed && accepted === 0 && honestRefused === 0 && refused === flood
    return {
      measure: 'kid-flood',
      reached,
      isolates,
      refused,
      accepted,
      honestRefused,
      seconds: round(seconds, 1),
      coolDown,
      reads: counts.keys,
      allowed,
    }
  } finally {
    await running.close()
    await Promise.all([issuer.close(), bundle.close()])
  }
}

/** One Worker owns the objects; the copies share them and KV, each in an isolate of its own. */
function deployment(script: string, vars: Readonly<Record<string, unknown>>) {
  const owner = gateWorker(script, vars, { name: 'gate' })
  const shared = (className: string) => ({ className, scriptName: 'gate' })
  const objects = {
    SESSION_OBJECTS: shared('SessionObject'),
    ISSUER_OBJECTS: shared('IssuerObject'),
    KEY_OBJECTS: shared('KeyObject'),
  }
  const names = Array.from({ length: isolates }, (_, i) => `copy-${String(i)}`)
  const copies = names.map((name) => gateWorker(script, vars, { name, durableObjects: objects }))
  const bindings = Object.fromEntries(names.map((name, i) => [`GATE_${String(i)}`, name]))
  const front = plainWorker('front', { serviceBindings: bindings })
  return [front, owner, ...copies, plainWorker('origin')]
}

function toIsolate(token: string, i: number): Readonly<Record<string, string>> {
  return { ...withToken(token), 'x-isolate': String(i % isolates) }
}

/** The honest token at every isolate; how many refused it. */
async function honestCalls(port: number, token: string): Promise<number> {
  const requests = Array.from({ length: isolates }, (_, i) =>
    requestOf('/bearer/x', toIsolate(token, i)),
  )
  const { statuses } = await load({ port, requests, connections: 1, most: isolates })
  return isolates - (statuses['200'] ?? 0)
}
