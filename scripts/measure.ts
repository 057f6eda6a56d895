/**
 * `npm run measure -- <name> [--seconds N] [--rate N] [--repetitions N] [--trials N]`: one measurement. Prints a table, ends with one line of
 * JSON, and exits 1 where the mark is missed. The marks and what was measured are in docs/performance.md.
 */
import { constants } from 'node:os'
import { parseArgs } from 'node:util'

import { measureColdStart } from '../bench/measure/cold-start.ts'
import { measureKeyDrill } from '../bench/measure/key-drill.ts'
import { measureKidFlood } from '../bench/measure/kid-flood.ts'
import { measureRefreshCrash } from '../bench/measure/refresh-crash.ts'
import { measureRefreshStorm } from '../bench/measure/refresh-storm.ts'
import { measureRevocation } from '../bench/measure/revocation.ts'
import { measureRevocationCost } from '../bench/measure/revocation-cost.ts'
import { measureRevocationScale } from '../bench/measure/revocation-scale.ts'
import { measureSites } from '../bench/measure/sites.ts'
import { measureStreams } from '../bench/measure/streams.ts'
import { measureVerify } from '../bench/measure/verify.ts'
import type { Outcome } from '../bench/report.ts'

interface Options {
  /** Each measurement has its own, where none is asked for. */
  readonly seconds: number | undefined
  /** Requests per second. */
  readonly rate: number
  readonly repetitions: number
  readonly trials: number
}

const measures: Readonly<Record<string, (options: Options) => Promise<Outcome>>> = {
  verify: ({ seconds = 1.5 }) => measureVerify(seconds),
  'cold-start': ({ repetitions }) => measureColdStart(repetitions),
  'kid-flood': () => measureKidFlood(),
  'key-drill': ({ seconds = 60, rate }) => measureKeyDrill(seconds, rate),
  revocation: ({ trials }) => measureRevocation(trials),
  'revocation-cost': ({ seconds = 1.5 }) => measureRevocationCost(seconds),
  'revocation-scale': async () => measureRevocationScale(),
  sites: () => measureSites(),
  streams: () => measureStreams(),
  'refresh-storm': ({ trials }) => measureRefreshStorm(trials),
  'refresh-crash': ({ trials }) => measureRefreshCrash(Math.min(trials, 200)),
}

// To be told to stop is to exit as usual: what is removed at the exit is removed then too.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

process.exitCode = await main()

async function main(): Promise<number> {
  const asked = readArguments()
  if (asked === undefined) {
    const names = Object.keys(measures).join(' | ')
    console.error(
      `Usage: npm run measure -- <${names}> [--seconds N] [--rate N] [--repetitions N] [--trials N]`,
    )
    return 2
  }
  const outcome = await asked.measure(asked.options)
  console.log(JSON.stringify(outcome))
  return outcome.reached ? 0 : 1
}

/** `undefined` where they are not what the usage says. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        seconds: { type: 'string' },
        rate: { type: 'string', default: '500' },
        repetitions: { type: 'string', default: '7' },
        trials: { type: 'string', default: '1000' },
      },
    })
    const [name = '', ...more] = positionals
    const measure = Object.hasOwn(measures, name) ? measures[name] : undefined
    const seconds = values.seconds === undefined ? undefined : Number(values.seconds)
    const rate = Number(values.rate)
    const repetitions = Number(values.repetitions)
    const trials = Number(values.trials)
    const usable = [seconds ?? 1, rate, repetitions, trials].every(
      (value) => value > 0 && Number.isFinite(value),
    )
    if (measure === undefined || more.length > 0 || !usable || !Number.isInteger(repetitions))
      return undefined
    return { measure, options: { seconds, rate, repetitions, trials } }
  } catch {
    // An option that there is not, or one without its value.
    return undefined
  }
}
