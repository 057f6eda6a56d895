/**
 * Vars and secrets → `Config`, or every problem at once. What one key may hold is in `schema.ts`; here are
 * the rules that concern several, and the making of the parsed form.
 */
import { decodeBase64url } from '../base64url.ts'
import type { Config, Site } from './config.ts'
import type { ConfigProblem, Report } from './field.ts'
import { parseCustodian, reportSharedKeys } from './parse-custodian.ts'
import { parseIssuer } from './parse-issuer.ts'
import { parseProvider } from './parse-provider.ts'
import { parseRateLimits } from './parse-rate-limits.ts'
import { parseSite } from './parse-site.ts'
import { vars } from './schema.ts'

const varNames = ['PROVIDERS', 'ISSUERS', 'RATE_LIMITS', 'CUSTODIANS', 'SITES', 'REVOCATION']

export type ParsedConfig =
  | { readonly ok: true; readonly config: Config }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** `env` is the Worker's environment: `PROVIDERS`, `SITES`, `SEAL_KEYS`, further secrets, bindings. */
export function parseConfig(env: Readonly<Record<string, unknown>>): ParsedConfig {
  const problems: ConfigProblem[] = []
  const report: Report = (path, mend) => {
    problems.push({ path: path.replace(/^\./, ''), mend })
    return undefined
  }

  const written = vars.read(pick(env, varNames), '', report)
  const sealKeys = parseSealKeys(env['SEAL_KEYS'], report)
  if (written === undefined || problems.length > 0) return { ok: false, problems }

  const providers = written.PROVIDERS.map((p, i) =>
    parseProvider(p, `PROVIDERS[${i}]`, env, report),
  )
  reportTwice(written.PROVIDERS, 'PROVIDERS', report)
  const issuers = written.ISSUERS.map((p, i) => parseIssuer(p, `ISSUERS[${i}]`, env, report))
  reportTwice(written.ISSUERS, 'ISSUERS', report)
  reportSharedIssuer(written.ISSUERS, report)
  const rateLimits = parseRateLimits(written.RATE_LIMITS, env, report)
  reportTwice(written.RATE_LIMITS, 'RATE_LIMITS', report)
  const custodians = written.CUSTODIANS.map((c, i) =>
    parseCustodian(c, `CUSTODIANS[${i}]`, env, report),
  )
  reportTwice(written.CUSTODIANS, 'CUSTODIANS', report)
  const parties = { providers, issuers, rateLimits, custodians }
  const sites = written.SITES.map((s, i) => parseSite(s, `SITES[${i}]`, parties, env, report))
  reportTwice(written.SITES, 'SITES', report)
  reportSharedKeys(sites, report)

  const siteByHost = new Map<string, Site>()
  for (const [i, site] of sites.entries()) {
    for (const host of site?.hosts ?? []) {
      if (siteByHost.has(host))
        report(`SITES[${i}].hosts`, `"${host}" belongs to another site already`)
      else if (site !== undefined) siteByHost.set(host, site)
    }
  }
  if (problems.length > 0) return { ok: false, problems }
  return {
    ok: true,
    config: Object.freeze({
      sites: Object.freeze(sites.filter((site) => site !== undefined)),
      siteByHost,
      providers: Object.freeze(providers),
      issuers: Object.freeze(issuers),
      rateLimits: Object.freeze(rateLimits),
      sealKeys,
      revocation: Object.freeze({ shards: written.REVOCATION.shards }),
    }),
  }
}

function parseSealKeys(value: unknown, report: Report): readonly Uint8Array<ArrayBuffer>[] {
  const mend =
    'must be a secret with one or more keys, newest first, separated by commas, each 32 random bytes in ' +
    'base64url (43 characters): `openssl rand -base64 32 | tr "+/" "-_" | tr -d "="`'
  const keys = typeof value === 'string' ? value.split(/[\s,]+/).filter((key) => key !== '') : []
  const bytes = keys.map((key) => decodeBase64url(key))
  if (bytes.length === 0) report('SEAL_KEYS', mend)
  for (const [i, key] of bytes.entries()) {
    if (key === undefined || key.length < 32) report(`SEAL_KEYS[${i}]`, mend)
  }
  if (new Set(keys).size !== keys.length) report('SEAL_KEYS', 'holds the same key twice')
  return bytes.filter((key) => key !== undefined)
}

function reportTwice(
  entries: readonly { readonly id: string }[],
  path: string,
  report: Report,
): void {
  const seen = new Set<string>()
  for (const [i, { id }] of entries.entries()) {
    if (seen.has(id)) report(`${path}[${i}].id`, `"${id}" stands twice`)
    seen.add(id)
  }
}

/** The issuer of a token is found by its `iss`: two of one name would be told apart by nothing. */
function reportSharedIssuer(issuers: readonly { readonly issuer: string }[], report: Report): void {
  const seen = new Set<string>()
  for (const [i, { issuer }] of issuers.entries()) {
    if (seen.has(issuer)) report(`ISSUERS[${i}].issuer`, `"${issuer}" stands twice`)
    seen.add(issuer)
  }
}

function pick(
  from: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))
}
