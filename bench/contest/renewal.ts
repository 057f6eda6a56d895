/** Renewals: every request has lost its access cookie, so the session's object is asked and both cookies are new. */
import { Person } from '../person.ts'
import { cpuMicroseconds } from '../processes.ts'
import { median, round } from '../report.ts'
import type { Gate } from './world.ts'

export interface Renewals {
  readonly perSecond: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of processor time, the objects' own included. */
  readonly cpu: number
}

/** People who renew at the same time, one renewal after the other each. */
const people = 16

export async function measureRenewals(gate: Gate, seconds: number): Promise<Renewals> {
  const signedIn = Array.from(
    { length: people },
    (_, i) => new Person(gate.site, `renews-${String(i)}`),
  )
  for (const person of signedIn) await person.signIn()
  const latencies: number[] = []
  const before = cpuMicroseconds(gate.pid)
  const start = performance.now()
  await Promise.all(
    signedIn.map(async (person) => {
      while (performance.now() < start + seconds * 1000) {
        person.forgetAccess()
        const sentAt = performance.now()
        const status = await person.call('/session/x')
        if (status !== '200') throw new Error(`a renewal was answered with ${status}`)
        latencies.push(performance.now() - sentAt)
      }
    }),
  )
  const took = (performance.now() - start) / 1000
  const sorted = latencies.toSorted((a, b) => a - b)
  return {
    perSecond: round(sorted.length / took, 0),
    p50: round(median(sorted)),
    p99: round(sorted[Math.floor((sorted.length - 1) * 0.99)] ?? Number.NaN),
    cpu: round((cpuMicroseconds(gate.pid) - before) / sorted.length, 0),
  }
}
