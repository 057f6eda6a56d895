/**
 * `npm run check:config [-- path/to/wrangler.toml]`: the Worker's own parser over a wrangler.toml. Prints every
 * problem with its path and its mend; exits 1 where there is one.
 *
 * Secrets are read from the environment and from `.dev.vars` beside the file. One that is set neither there
 * nor here is taken as set in production when `[secrets] required` lists it, and named so.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { parseEnv } from 'node:util'

import { parseConfig } from '../src/config/parse.ts'
import { readWranglerConfig } from './local-worker.ts'

const path = resolve(process.argv[2] ?? 'wrangler.toml')
if (!existsSync(path)) {
  console.error(`There is no ${path}.`)
  process.exit(1)
}
const config = readWranglerConfig(path)
const secretsFile = join(dirname(path), '.dev.vars')
const local = existsSync(secretsFile) ? parseEnv(readFileSync(secretsFile, 'utf8')) : {}

const env: Record<string, unknown> = { ...config.vars }
for (const binding of bindings()) env[binding] = { fetch: () => undefined }
const elsewhere: string[] = []
for (const name of requiredSecrets()) {
  const value = local[name] || process.env[name]
  if (value === undefined || value === '') elsewhere.push(name)
  // Stands in for a secret whose value is not here: of the right form, so that only the rest is judged.
  env[name] = value || 'A'.repeat(43)
}

const parsed = parseConfig(env)
if (elsewhere.length > 0) {
  console.log(`Not checked, because their values are not on this machine: ${elsewhere.join(', ')}`)
}
if (parsed.ok) {
  const { sites, providers } = parsed.config
  console.log(`${path}: no problems. Providers: ${providers.length}. Sites: ${sites.length}.`)
} else {
  console.error(`${path}: ${parsed.problems.length} problem(s)`)
  for (const { path: at, mend } of parsed.problems) console.error(`  ${at} ${mend}`)
  process.exit(1)
}

function bindings(): string[] {
  const services = (config.services ?? []).map(({ binding }) => binding)
  const assets = config.assets?.binding
  return assets === undefined ? services : [...services, assets]
}

function requiredSecrets(): readonly string[] {
  return config.secrets?.required ?? []
}
