/**
 * A simulation without a network: what a world of locations and isolates asks of one shard, what it costs an isolate, and
 * how old knowledge is when decisions are taken. The rules are those of `platform/denylist.ts`: renewed behind the
 * answers past half the bound, a copy of the location used while it is younger than a quarter of it.
 */
import { type Outcome, printTable, round } from '../report.ts'

const locations = 300
const isolatesEach = 50
const sessions = 1_000_000
const revocationsPerSecond = 100
/** Seconds for which a mark counts at the edge: the life of an access cookie. */
const edgeLife = 300
/** Requests of one session in a second, on average. */
const perSession = 0.1
/** Seconds that are simulated, after as many to settle. */
const seconds = 60
/** Calls a second that one object answers well, by the platform's own word. */
const ceiling = 1000
const bytesOfMark = 12
const bytesOfHead = 80

interface Setting {
  readonly bound: number
  readonly copies: boolean
}

interface Simulated {
  readonly callsPerSecond: number
  readonly staleness: readonly number[]
  readonly bytesPerSecond: number
}

export function measureRevocationScale(): Outcome {
  const settings: readonly Setting[] = [5, 10, 30, 60].flatMap((bound) => [
    { bound, copies: false },
    { bound, copies: true },
  ])
  const rows = settings.map((setting) => {
    const { callsPerSecond, staleness, bytesPerSecond } = simulate(setting)
    const at = (share: number) =>
      round(staleness[Math.floor((staleness.length - 1) * share)] ?? 0, 1)
    return {
      'bound s': setting.bound,
      'copies in the location': setting.copies ? 'yes' : 'no',
      'calls/s at each shard': round(callsPerSecond, 0),
      'of what it bears': round(callsPerSecond / ceiling),
      'bytes/s at an isolate': round(bytesPerSecond, 0),
      'age p50 s': at(0.5),
      'age p99 s': at(0.99),
      'age max s': at(1),
    }
  })
  printTable(rows)
  const marks = revocationsPerSecond * edgeLife
  console.log(
    `\n${String(locations)} locations of ${String(isolatesEach)} isolates, ${String(sessions)} sessions, ` +
      `${String(revocationsPerSecond)} revocations/s: ${String(marks)} marks at the edge, ` +
      `${String(round((marks * bytesOfMark + bytesOfHead) / 1024, 0))} KiB in an isolate, ` +
      `${String(revocationsPerSecond)} writes/s over all shards.`,
  )
  const usual = rows.find((row) => row['bound s'] === 10 && row['copies in the location'] === 'yes')
  const old = rows.filter((row) => row['age max s'] > row['bound s'])
  const reached = (usual?.['of what it bears'] ?? 1) <= 1 && old.length === 0
  return { measure: 'revocation-scale', reached, ceiling, marks, rows }
}

function simulate({ bound, copies }: Setting): Simulated {
  const step = 0.1
  const requestsPerStep = (sessions * perSession * step) / (locations * isolatesEach)
  const isolates = Array.from({ length: locations * isolatesEach }, () => -Math.random() * bound)
  const copied = Array.from({ length: locations }, () => -Infinity)
  const staleness: number[] = []
  let [calls, bytes, renewals] = [0, 0, 0]
  for (let now = 0; now < seconds * 2; now += step) {
    const counted = now >= seconds
    for (const [i, asked] of isolates.entries()) {
      // Whether any request comes in this step.
      if (Math.random() > 1 - Math.exp(-requestsPerStep)) continue
      const age = now - asked
      if (age > bound / 2) {
        const location = i % locations
        const copy = copied[location] ?? -Infinity
        const young = copies && now - copy <= Math.min(bound / 4, 2)
        if (!young) {
          copied[location] = now
          if (counted) calls += 1
        }
        isolates[i] = young ? copy : now
        if (counted) {
          renewals += 1
          bytes += bytesOfHead + revocationsPerSecond * age * bytesOfMark
        }
      }
      // Past the bound the request waits for the renewal, and is decided on what it brings.
      if (counted && Math.random() < 0.01)
        staleness.push(age > bound ? now - (isolates[i] ?? now) : age)
    }
  }
  return {
    callsPerSecond: calls / seconds,
    staleness: staleness.toSorted((a, b) => a - b),
    bytesPerSecond: renewals === 0 ? 0 : bytes / seconds / isolates.length,
  }
}
