/**
 * `npm run bench [-- --json FILE --outside --install --memory-requests N]`: every contender on this machine, in alternation, and `bench/RESULTS.md` written anew.
 * `npm run bench:smoke`: the ratios for everyday use, in less than a minute; exit 1 where one misses its mark.
 * Both end with one line of JSON.
 */
import { writeFileSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { runContest, runSmoke } from '../bench/contest/contest.ts'
import { resultsPage } from '../bench/contest/results.ts'

// To be told to stop is to exit as usual: what is removed at the exit is removed then too.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

// Each contender is ended with this process.
process.setMaxListeners(50)
process.exitCode = await main()

async function main(): Promise<number> {
  const asked = readArguments()
  if (asked === undefined) {
    console.error(
      'Usage: npm run bench [-- --json FILE --outside --install --memory-requests N], or npm run bench:smoke. N is 1000 at least.',
    )
    return 2
  }
  if (asked.smoke) {
    const { marks } = await runSmoke()
    console.log(JSON.stringify({ measure: 'smoke', marks }))
    return marks.every(({ met }) => met) ? 0 : 1
  }
  const contest = await runContest(asked)
  writeFileSync(join(import.meta.dirname, '../bench/RESULTS.md'), resultsPage(contest))
  const json = JSON.stringify(contest)
  if (asked.json !== undefined) writeFileSync(asked.json, `${json}\n`)
  console.log(json)
  // Goals, not conditions: which ones are missed stands in the results.
  return 0
}

/** `undefined` where they are not what the usage says. */
function readArguments() {
  try {
    const { values } = parseArgs({
      options: {
        smoke: { type: 'boolean', default: false },
        json: { type: 'string' },
        // Contenders of Debian and Go, outside workerd; those that are not there are installed where `install` says so.
        outside: { type: 'boolean', default: false },
        install: { type: 'boolean', default: false },
        // Over how many the memory is watched; a million takes some fifteen minutes more.
        'memory-requests': { type: 'string', default: '20000' },
      },
    })
    const memoryRequests = Number(values['memory-requests'])
    if (!Number.isSafeInteger(memoryRequests) || memoryRequests < 1000) return undefined
    if (values.install && !values.outside) return undefined
    return { ...values, memoryRequests }
  } catch {
    return undefined
  }
}
