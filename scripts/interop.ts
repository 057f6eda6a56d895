/**
 * `npm run interop -- <suite> [--install]`: Sallyport against programs that are not its own. Every file of scripts/interop/ is a
 * suite: `export const suite: Suite`. Exits 1 where something came out wrong; what is skipped is named, with the reason.
 */
import { readdirSync } from 'node:fs'
import { constants } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

import type { Suite } from './suite.ts'

const folder = join(import.meta.dirname, 'interop')
const names = readdirSync(folder)
  .filter((name) => name.endsWith('.ts'))
  .map((name) => name.slice(0, -'.ts'.length))

// To be told to stop is to exit as usual: what was started is ended then.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

process.exitCode = await main()

async function main(): Promise<number> {
  const asked = readArguments()
  if (asked === undefined) {
    console.error(`Usage: npm run interop -- <${names.join(' | ')}> [--install]`)
    return 2
  }
  const url = pathToFileURL(join(folder, `${asked.name}.ts`)).href
  const { suite } = (await import(url)) as { readonly suite: Suite }
  console.log(suite.about)
  const { failures, skipped } = await suite.run({ install: asked.install })
  for (const line of skipped) console.log(`skipped: ${line}`)
  for (const line of failures) console.log(`failed: ${line}`)
  console.log(`\n${failures.length === 0 ? 'As it should be' : `${failures.length} failed`}`)
  return failures.length === 0 ? 0 : 1
}

/** `undefined` where they are not what the usage says. */
function readArguments() {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { install: { type: 'boolean', default: false } },
    })
    const [name = '', ...more] = positionals
    return names.includes(name) && more.length === 0 ? { name, install: values.install } : undefined
  } catch {
    // An option that there is not.
    return undefined
  }
}
