/**
 * The contest itself: each variant for a short while in every round, in an order of the round's own, so that what
 * disturbs the machine disturbs all. Ratios are made within a round.
 */
import type { Loaded, LoadProcess } from '../load-process.ts'
import { cpuMicroseconds } from '../processes.ts'
import { median, round } from '../report.ts'
import type { Variant } from './variants.ts'

export interface Rounds {
  readonly connections: number
  readonly rounds: number
  /** For one variant in one round. */
  readonly seconds: number
}

/** The middle of all rounds, and the quarter below and above it. */
export interface Spread {
  readonly median: number
  readonly low: number
  readonly high: number
}

export interface Measured {
  readonly variant: string
  readonly connections: number
  readonly perSecond: Spread
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Microseconds of the process's own processor time, for one request. */
  readonly cpu: Spread
  /** Of the throughput of its limit in the same round. */
  readonly ofLimit: Spread
  /** Times the processor time of its limit, over all rounds. */
  readonly timesCpu: number
  /** The most of a processor that the load used. */
  readonly loadBusy: number
}

interface Slice {
  readonly perSecond: number
  readonly p50: number
  readonly p99: number
  readonly answers: number
  readonly cpu: number
  readonly busy: number
}

export type Slices = ReadonlyMap<string, readonly Slice[]>

/** Before each turn, not counted: while the others had theirs, what the contender knows has aged, and the caches forgot it. */
const leadIn = 0.2

/** The first round warms up and is not counted. Rejects where an answer is not what the variant's are. */
export async function runRounds(
  generator: LoadProcess,
  variants: readonly Variant[],
  { connections, rounds, seconds }: Rounds,
): Promise<Slices> {
  const entrants = variants.map((variant) => new Entrant(generator, variant, connections))
  const slices = new Map<string, Slice[]>(variants.map(({ name }) => [name, []]))
  for (let i = 0; i <= rounds; i++) {
    for (const entrant of rotated(entrants, i)) {
      const slice = await entrant.turn(seconds)
      if (i > 0) slices.get(entrant.name)?.push(slice)
    }
  }
  return slices
}

/** Forwards and backwards in turn, from another one each time. */
function rotated<T>(all: readonly T[], i: number): readonly T[] {
  const at = (i * 3) % all.length
  const turned = [...all.slice(at), ...all.slice(0, at)]
  return i % 2 === 0 ? turned : turned.toReversed()
}

/** A variant, and how far its requests have come: each turn goes on there, or tokens never seen would be those of the last. */
class Entrant {
  readonly #generator: LoadProcess
  readonly #variant: Variant
  readonly #connections: number
  #answered = 0

  constructor(generator: LoadProcess, variant: Variant, connections: number) {
    this.#generator = generator
    this.#variant = variant
    this.#connections = connections
  }

  get name(): string {
    return this.#variant.name
  }

  async turn(seconds: number): Promise<Slice> {
    const { contender, status } = this.#variant
    await this.#load(leadIn)
    const before = cpuMicroseconds(contender.pid)
    const { statuses, ...loaded } = await this.#load(seconds)
    const cpu = cpuMicroseconds(contender.pid) - before
    if (Object.keys(statuses).join() !== status)
      throw new Error(`${this.name} answered ${JSON.stringify(statuses)}`)
    return { ...loaded, cpu }
  }

  async #load(seconds: number): Promise<Loaded> {
    const { contender, requests } = this.#variant
    const loaded = await this.#generator.load({
      port: contender.port,
      requests,
      already: this.#answered,
      connections: this.#connections,
      seconds,
    })
    this.#answered += loaded.answers
    return loaded
  }
}

export function summary(variants: readonly Variant[], slices: Slices, connections: number) {
  return variants.map(({ name, limit }): Measured => {
    const own = slices.get(name) ?? []
    return {
      variant: name,
      connections,
      perSecond: spreadOf(own.map(({ perSecond }) => perSecond)),
      p50: round(median(own.map(({ p50 }) => p50))),
      p99: round(median(own.map(({ p99 }) => p99))),
      cpu: spreadOf(own.map(({ cpu, answers }) => cpu / answers)),
      ofLimit: ratioOf(slices, name, limit),
      timesCpu: round(cpuOf(own) / cpuOf(slices.get(limit) ?? [])),
      loadBusy: round(Math.max(...own.map(({ busy }) => busy))),
    }
  })
}

/** Throughput of one variant against another's, round by round. */
export function ratioOf(slices: Slices, name: string, other: string): Spread {
  const others = slices.get(other) ?? []
  return spreadOf(
    (slices.get(name) ?? []).map(
      ({ perSecond }, i) => perSecond / (others[i]?.perSecond ?? Number.NaN),
    ),
  )
}

/** Microseconds for one request, over all rounds: the clock that counts them is a coarse one. */
export function cpuOf(slices: readonly Slice[]): number {
  const sum = (of: (slice: Slice) => number) => slices.reduce((total, one) => total + of(one), 0)
  return sum(({ cpu }) => cpu) / sum(({ answers }) => answers)
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b)
  const last = sorted.length - 1
  const digits = (sorted[0] ?? 0) > 20 ? 0 : 3
  return {
    median: round(median(values), digits),
    low: round(sorted[Math.floor(last * 0.25)] ?? Number.NaN, digits),
    high: round(sorted[Math.ceil(last * 0.75)] ?? Number.NaN, digits),
  }
}
