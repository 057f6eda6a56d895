/**
 * An attacker sends tokens that name keys which nobody has, to many isolates: at once, and later to one after the
 * other, since what an isolate remembers says nothing to the next. The issuer counts how often its keys are read: at
 * most once when they are first needed, and once a cool-down from then on.
 */
import { startIssuer, tokensOf } from '../issuer.ts'
import { load, requestOf, toIsolate } from '../load.ts'
import { type Outcome, printTable, round } from '../report.ts'
import { bundleGate, manyIsolates, startWorkers } from '../workers.ts'

const isolates = 6
const attempts = 10_000
/** Seconds: the configuration's own default. */
const coolDown = 30
const waves = 3
/** Seconds from one isolate to the next: documents carry whole seconds, and those of the same second are shared. */
const stagger = 1.5

export async function measureKidFlood(): Promise<Outcome> {
  const bundle = await bundleGate()
  const issuer = await startIssuer()
  const { signer, counts } = issuer
  const vars = {
    ISSUERS: [{ id: 'issuer', issuer: signer.issuer, algorithms: [signer.algorithm] }],
  }
  const running = await startWorkers(manyIsolates(bundle.script, vars, isolates))
  try {
    const [honest = ''] = await tokensOf(signer, 1)
    const made = await tokensOf(signer, attempts, {
      header: (i) => ({ kid: `made-up-${String(i)}` }),
    })
    const start = performance.now()
    const rows: Readonly<Record<string, number>>[] = []
    let accepted = 0
    let refused = 0
    let honestRefused = 0
    for (let wave = 0; wave < waves; wave++) {
      // Waves lie further apart than the cool-down, so that each may cost the issuer one read and no more.
      const wait = start + wave * (coolDown + 3) * 1000 - performance.now()
      await sleep(wait)
      honestRefused += await honestCalls(running.port, honest)
      const part = made.slice((wave * attempts) / waves, ((wave + 1) * attempts) / waves)
      const [flooded, refusedMeanwhile] = await Promise.all([
        wave === 0 ? floodAtOnce(running.port, part) : floodInTurn(running.port, part),
        honestCalls(running.port, honest, 10),
      ])
      honestRefused += refusedMeanwhile + (await honestCalls(running.port, honest))
      accepted += flooded.accepted
      refused += flooded.refused
      rows.push({
        wave: wave + 1,
        'at s': round((performance.now() - start) / 1000, 1),
        refused: flooded.refused,
        'per s': round(part.length / flooded.seconds, 0),
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
      counts.keys <= allowed && accepted === 0 && honestRefused === 0 && refused === attempts
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
    await issuer.close()
    bundle.close()
  }
}

interface Flooded {
  readonly accepted: number
  readonly refused: number
  /** Without the pauses. */
  readonly seconds: number
}

async function floodAtOnce(port: number, tokens: readonly string[]): Promise<Flooded> {
  return flood(
    port,
    tokens.map((token, i) => requestOf('/bearer/x', toIsolate(token, i % isolates))),
  )
}

async function floodInTurn(port: number, tokens: readonly string[]): Promise<Flooded> {
  const total = { accepted: 0, refused: 0, seconds: 0 }
  for (let isolate = 0; isolate < isolates; isolate++) {
    if (isolate > 0) await sleep(stagger * 1000)
    const own = tokens.filter((_, i) => i % isolates === isolate)
    const { accepted, refused, seconds } = await flood(
      port,
      own.map((token) => requestOf('/bearer/x', toIsolate(token, isolate))),
    )
    total.accepted += accepted
    total.refused += refused
    total.seconds += seconds
  }
  return total
}

async function flood(port: number, requests: readonly Buffer[]): Promise<Flooded> {
  const { statuses, seconds } = await load({
    port,
    requests,
    connections: 32,
    most: requests.length,
  })
  return { accepted: statuses['200'] ?? 0, refused: statuses['401'] ?? 0, seconds }
}

function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, milliseconds)))
}

/** The honest token at every isolate, so many times; how often it was refused. */
async function honestCalls(port: number, token: string, times = 1): Promise<number> {
  const requests = Array.from({ length: isolates }, (_, i) =>
    requestOf('/bearer/x', toIsolate(token, i % isolates)),
  )
  const most = isolates * times
  const { statuses } = await load({ port, requests, connections: 1, most })
  return most - (statuses['200'] ?? 0)
}
