/**
 * `npm run check:config [-- path/to/wrangler.toml]`: the Worker's own parser over a wrangler.toml. Prints every
 * problem with its path and its mend; exits 1 where there is one.
 */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'

import { readLocalConfiguration } from './configuration.ts'

const path = resolve(process.argv[2] ?? 'wrangler.toml')
if (!existsSync(path)) {
  console.error(`There is no ${path}.`)
  process.exit(1)
}
const { parsed, elsewhere } = readLocalConfiguration(path)
if (elsewhere.length > 0) {
  console.log(`Not checked, because their values are not on this machine: ${elsewhere.join(', ')}`)
}
if (parsed.ok) {
  const { sites, providers, issuers } = parsed.config
  const counts = `Providers: ${providers.length}. Issuers: ${issuers.length}. Sites: ${sites.length}.`
  console.log(`${path}: no problems. ${counts}`)
} else {
  console.error(`${path}: ${parsed.problems.length} problem(s)`)
  for (const { path: at, mend } of parsed.problems) console.error(`  ${at} ${mend}`)
  process.exit(1)
}
