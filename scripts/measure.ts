/**
 * `npm run measure -- <name> [--seconds N] [--repetitions N]`: one measurement. Prints a table, ends with one line of
 * JSON, and exits 1 where the mark is missed. The marks and what was measured are in docs/performance.md.
 */
import { parseArgs } from 'node:util'

import { measureColdStart } from '../bench/measure/cold-start.ts'
import { measureKidFlood } from '../bench/measure/kid-flood.ts'
import { measureVerify } from '../bench/measure/verify.ts'
import type { Outcome } from '../bench/report.ts'

interface Options {
  readonly seconds: number
  readonly repetitions: number
}

const measures: Readonly<Record<string, (options: Options) => Promise<Outcome>>> = {
  verify: ({ seconds }) => measureVerify(seconds),
  'cold-start': ({ repetitions }) => measureColdStart(repetitions),
  'kid-flood': () => measureKidFlood(),
}

process.exitCode = await main()

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      seconds: { type: 'string', default: '1.5' },
      repetitions: { type: 'string', default: '7' },
    },
  })
  const [name = ''] = positionals
  const measure = Object.hasOwn(measures, name) ? measures[name] : undefined
  const options = { seconds: Number(values.seconds), repetitions: Number(values.repetitions) }
  if (measure === undefined || !Object.values(options).every((value) => value > 0)) {
    console.error(`Usage: npm run measure -- <${Object.keys(measures).join(' | ')}>`)
    return 2
  }
  const outcome = await measure(options)
  console.log(JSON.stringify(outcome))
  return outcome.reached ? 0 : 1
}
