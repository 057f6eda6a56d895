/**
 * A wrangler.toml as the Worker would read it, on a machine that may lack its secrets. `npm run check:config`
 * and `npm run explain` share it.
 */
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { parseEnv } from 'node:util'

import { isTable } from '../src/config/field.ts'
import { type ParsedConfig, parseConfig } from '../src/config/parse.ts'
import { readWranglerConfig, type WranglerConfig } from './local-worker.ts'
import { compareRateLimits } from './rate-limits.ts'

export interface LocalConfiguration {
  readonly parsed: ParsedConfig
  /** Secrets that `[secrets] required` lists and that are set neither in the environment nor in `.dev.vars`. */
  readonly elsewhere: readonly string[]
}

/**
 * Secrets are read from the environment and from `.dev.vars` beside the file. One that is set in neither is taken
 * as set in production when `[secrets] required` lists it.
 */
export function readLocalConfiguration(path: string): LocalConfiguration {
  const config = readWranglerConfig(path)
  const secretsFile = join(dirname(path), '.dev.vars')
  const local = existsSync(secretsFile) ? parseEnv(readFileSync(secretsFile, 'utf8')) : {}
  const env: Record<string, unknown> = { ...config.vars }
  for (const binding of bindingsOf(config)) env[binding] = { fetch: () => undefined }
  const limiters = config.ratelimits ?? []
  for (const { name } of limiters) env[name] = { limit: () => undefined }
  const elsewhere: string[] = []
  const decryptionKeys = secretsUnder(config.vars['ISSUERS'], 'decryption')
  const serviceAccounts = secretsUnder(config.vars['CUSTODIANS'], 'service_account')
  for (const name of config.secrets?.required ?? []) {
    const value = local[name] || process.env[name]
    if (value === undefined || value === '') elsewhere.push(name)
    // Stands in for a secret whose value is not here: of the right form, so that only the rest is judged.
    const form = 'A'.repeat(43)
    if (value) env[name] = value
    else if (decryptionKeys.has(name)) env[name] = JSON.stringify({ kty: 'oct', k: form })
    else if (serviceAccounts.has(name)) env[name] = serviceAccount
    else env[name] = form
  }
  const parsed = parseConfig(env)
  const unequal = parsed.ok ? compareRateLimits(parsed.config.rateLimits, limiters) : []
  return { parsed: unequal.length === 0 ? parsed : { ok: false, problems: unequal }, elsewhere }
}

function bindingsOf(config: WranglerConfig): readonly string[] {
  const services = (config.services ?? []).map(({ binding }) => binding)
  const assets = config.assets?.binding
  return assets === undefined ? services : [...services, assets]
}

const serviceAccount = JSON.stringify({
  client_email: 'a@example.com',
  private_key_id: 'a',
  private_key: '-----BEGIN PRIVATE KEY-----',
})

/**
 * The names of the secrets that hold JSON: those under one key of the entries of a list. Anything that has another
 * form than expected is left to the parser.
 */
function secretsUnder(entries: unknown, key: string): ReadonlySet<string> {
  const written = Array.isArray(entries) ? (entries as readonly unknown[]) : []
  const names = written.flatMap((entry) => {
    const under = isTable(entry) ? entry[key] : undefined
    return [...(JSON.stringify(under) ?? '').matchAll(/"secret":"([^"]+)"/g)]
  })
  return new Set(names.map(([, name]) => name ?? ''))
}
