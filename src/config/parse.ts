/**
 * Vars and secrets → `Config`, or every problem at once. What one key may hold is in `schema.ts`; here are
 * the rules that concern several, and the making of the parsed form.
 */
import { decodeBase64url } from '../base64url.ts'
import { Secret } from '../secret.ts'
import type { ClientAuth, Config, Provider, Site } from './config.ts'
import type { AccessRule, Forward, Route, Upstream } from './route.ts'
import type { ConfigProblem, Report } from './field.ts'
import { RouteTable } from './route-table.ts'
import { vars, type WrittenProvider, type WrittenRoute, type WrittenSite } from './schema.ts'

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

  const written = vars.read(pick(env, ['PROVIDERS', 'SITES']), '', report)
  const sealKeys = parseSealKeys(env['SEAL_KEYS'], report)
  if (written === undefined || problems.length > 0) return { ok: false, problems }

  const providers = written.PROVIDERS.map((p, i) =>
    parseProvider(p, `PROVIDERS[${i}]`, env, report),
  )
  reportTwice(written.PROVIDERS, 'PROVIDERS', report)
  const sites = written.SITES.map((s, i) => parseSite(s, `SITES[${i}]`, providers, env, report))
  reportTwice(written.SITES, 'SITES', report)

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
      sealKeys,
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

/** Parameters that Sallyport sets itself. attack: authorization-parameter-injection */
const reservedParameters: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'max_age',
  'acr_values',
  'client_assertion',
  'client_assertion_type',
])

function parseProvider(
  written: WrittenProvider,
  path: string,
  env: Readonly<Record<string, unknown>>,
  report: Report,
): Provider {
  const issuer = URL.parse(written.issuer)
  const insecure = issuer?.protocol === 'http:'
  if (issuer === null || (insecure && !isLoopback(issuer.hostname))) {
    report(`${path}.issuer`, 'must be an https URL; plain http is for a provider on localhost only')
  }
  if (!written.scopes.includes('openid')) {
    report(`${path}.scopes`, 'must contain "openid", or there is no ID token to sign in with')
  }
  for (const name of written.parameters.keys()) {
    if (reservedParameters.has(name)) {
      report(`${path}.parameters.${name}`, 'is set by Sallyport and cannot be given here')
    }
  }
  return Object.freeze({
    id: written.id,
    issuer: written.issuer,
    clientId: written.client_id,
    clientAuth: parseClientAuth(written, path, env, report),
    scopes: written.scopes,
    idTokenAlgorithm: written.id_token_algorithm,
    responseMode: written.response_mode,
    pushedRequests: written.pushed_requests,
    userinfo: written.userinfo,
    parameters: written.parameters,
    timeout: written.timeout,
    insecure,
  })
}

function parseClientAuth(
  written: WrittenProvider,
  path: string,
  env: Readonly<Record<string, unknown>>,
  report: Report,
): ClientAuth {
  const method = written.client_auth
  if (method !== 'private_key_jwt' && written.private_key !== undefined) {
    report(`${path}.private_key`, 'goes with client_auth = "private_key_jwt"')
  }
  if ((method === 'private_key_jwt' || method === 'none') && written.client_secret !== undefined) {
    report(`${path}.client_secret`, `does not go with client_auth = "${method}"`)
  }
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return {
        method,
        secret: readSecret(written.client_secret, `${path}.client_secret`, env, report),
      }
    case 'private_key_jwt': {
      const privateKey = readSecret(written.private_key, `${path}.private_key`, env, report)
      return { method, privateKey }
    }
    case 'none':
      return { method }
  }
}

function readSecret(
  reference: { readonly secret: string } | undefined,
  path: string,
  env: Readonly<Record<string, unknown>>,
  report: Report,
): Secret {
  if (reference === undefined) {
    report(path, 'is required for this client_auth: { secret = "NAME_OF_A_SECRET" }')
    return new Secret('')
  }
  const value = env[reference.secret]
  if (typeof value === 'string' && value !== '') return new Secret(value)
  report(
    path,
    `names the secret ${reference.secret}, which is not set: ` +
      `\`npx wrangler secret put ${reference.secret}\`, or a line in .dev.vars`,
  )
  return new Secret('')
}

function parseSite(
  written: WrittenSite,
  path: string,
  providers: readonly Provider[],
  env: Readonly<Record<string, unknown>>,
  report: Report,
): Site | undefined {
  const provider = providers.find(({ id }) => id === written.provider)
  if (provider === undefined) {
    report(
      `${path}.provider`,
      `names no provider; there are ${providers.map(({ id }) => id).join(', ')}`,
    )
    return undefined
  }
  const { access, idle, absolute, grace } = written.session
  if (access * 2 > idle)
    report(
      `${path}.session.idle`,
      `(${idle} s) must be at least twice session.access (${access} s)`,
    )
  if (idle > absolute)
    report(
      `${path}.session.absolute`,
      `(${absolute} s) must not be less than session.idle (${idle} s)`,
    )
  if (grace >= access && grace > 1)
    report(`${path}.session.grace`, `(${grace} s) must be less than session.access (${access} s)`)

  for (const [i, host] of written.hosts.entries()) {
    if (/:(?:443|80)$/.test(host)) {
      report(
        `${path}.hosts[${i}]`,
        'names the standard port, which never stands in a URL: leave it out',
      )
    }
  }
  const loopback = written.hosts.every((host) =>
    isLoopback(URL.parse(`http://${host}`)?.hostname ?? ''),
  )
  if (written.development && !loopback) {
    report(`${path}.development`, 'is for loopback hosts only (localhost, 127.0.0.1, [::1])')
  }
  if (!written.cookies.secure && !written.development) {
    report(
      `${path}.cookies.secure`,
      'can be false in development only: cookies must not travel in the clear',
    )
  }
  if (provider.insecure && !written.development) {
    report(
      `${path}.provider`,
      'speaks plain http, which only a site with development = true may use',
    )
  }
  const scheme = written.development ? 'http' : 'https'
  return Object.freeze({
    id: written.id,
    hosts: written.hosts,
    provider,
    basePath: written.base_path,
    development: written.development,
    cookies: cookieProfile(written.cookies.secure, written.cookies.same_site),
    session: written.session,
    login: { lifetime: written.login.lifetime, returnTo: written.login.return_to },
    logout: { returnTo: written.logout.return_to },
    assertion: {
      lifetime: written.assertion.lifetime,
      issuer: `${scheme}://${written.hosts[0] ?? ''}`,
    },
    identityHeaders: new Set(written.identity_headers),
    routes: parseRoutes(written, path, env, report),
  })
}

/**
 * `__Host-Http-` keeps a cookie to this host, to https and out of scripts, by the browser's own check of
 * the name. attack: cookie-tossing
 */
function cookieProfile(secure: boolean, sameSite: 'lax' | 'strict'): Site['cookies'] {
  const prefix = secure ? '__Host-Http-sallyport-' : 'sallyport-'
  const same = sameSite === 'lax' ? 'Lax' : 'Strict'
  return {
    access: `${prefix}access`,
    refresh: `${prefix}refresh`,
    login: `${prefix}login-`,
    attributes: `Path=/; ${secure ? 'Secure; ' : ''}HttpOnly; SameSite=${same}`,
  }
}

function parseRoutes(
  site: WrittenSite,
  sitePath: string,
  env: Readonly<Record<string, unknown>>,
  report: Report,
): RouteTable {
  const table = new RouteTable()
  for (const [i, written] of site.routes.entries()) {
    const path = `${sitePath}.routes[${i}]`
    if (written.path === site.base_path || written.path.startsWith(`${site.base_path}/`)) {
      report(`${path}.path`, `lies under base_path (${site.base_path}), which is never forwarded`)
    }
    if (written.path.startsWith('/.well-known/jwks.json')) {
      report(`${path}.path`, 'is where the keys of the site are published')
    }
    const route: Route = {
      path: written.path,
      methods: written.methods === undefined ? undefined : new Set(written.methods),
      access: parseAccess(written),
      upstream: parseUpstream(written, path, site, env, report),
      forward: parseForward(written),
    }
    if (route.forward.kind === 'assertion' && !route.access.any.has('session')) {
      report(`${path}.forward`, 'has nobody to assert: the route lets no session in')
    }
    const problem = table.add(route)
    if (problem !== undefined) report(`${path}.path`, problem)
  }
  return table
}

function parseAccess({ access }: WrittenRoute): AccessRule {
  if (access === 'public') return { any: new Set(['anonymous'] as const) }
  if (access === 'session') return { any: new Set(['session'] as const) }
  return { any: new Set(access.any) }
}

function parseForward({ forward }: WrittenRoute): Forward {
  return forward === 'none' ? { kind: 'none' } : { kind: 'assertion', ...forward.assertion }
}

function parseUpstream(
  { upstream }: WrittenRoute,
  path: string,
  site: WrittenSite,
  env: Readonly<Record<string, unknown>>,
  report: Report,
): Upstream {
  const { url, service, assets, timeout } = upstream
  if ([url, service, assets].filter((kind) => kind !== undefined).length !== 1) {
    report(`${path}.upstream`, 'must have exactly one of url, service, assets')
  }
  if (url !== undefined) {
    const parsed = URL.parse(url)
    const local = parsed !== null && isLoopback(parsed.hostname)
    if (parsed === null || parsed.username !== '' || parsed.password !== '') {
      report(`${path}.upstream.url`, 'must be a URL without credentials')
    } else if (parsed.protocol !== 'https:' && !(site.development && local)) {
      report(
        `${path}.upstream.url`,
        'must be https; plain http is for loopback upstreams of a development site',
      )
    } else if (site.hosts.includes(parsed.host)) {
      report(
        `${path}.upstream.url`,
        `is a host of this site (${parsed.host}): the request would come back here`,
      )
    }
    return { kind: 'url', url: parsed ?? new URL('https://invalid.invalid'), timeout }
  }
  const kind = service !== undefined ? 'service' : 'assets'
  const binding = service ?? assets ?? ''
  if (binding !== '' && !isFetcher(env[binding])) {
    report(
      `${path}.upstream.${kind}`,
      `names the binding ${binding}, which this Worker does not have`,
    )
  }
  return { kind, binding, timeout }
}

function isFetcher(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'fetch' in value
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '127.0.0.1' || hostname === '[::1]'
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

function pick(
  from: Readonly<Record<string, unknown>>,
  keys: readonly string[],
): Record<string, unknown> {
  return Object.fromEntries(keys.filter((key) => key in from).map((key) => [key, from[key]]))
}
