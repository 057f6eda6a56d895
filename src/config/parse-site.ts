/**
 * `SITES[]` → `Site`, with its routes.
 */
import type { Provider, Site } from './config.ts'
import type { CustodyAccount } from './custody.ts'
import type { Report } from './field.ts'
import type { Issuer } from './issuer.ts'
import { isLoopback } from './loopback.ts'
import { parseAccess } from './parse-access.ts'
import { parseAssertion } from './parse-assertion.ts'
import { parseCors, parsePageHeaders } from './parse-browser.ts'
import { parseSiteCustody } from './parse-custodian.ts'
import { parseForward } from './parse-forward.ts'
import { parseProxies } from './parse-proxies.ts'
import { parseRouteLimit, parseSiteLimits } from './parse-rate-limits.ts'
import type { RateLimit } from './rate-limit.ts'
import type { AccessRule, RevocationPolicy, Route } from './route.ts'
import { parseUpstream } from './parse-upstream.ts'
import { RouteTable } from './route-table.ts'
import type { WrittenRoute, WrittenSite } from './schema.ts'
import type { Env } from './secrets.ts'

/** Who and what a site may name. */
export interface Parties {
  readonly providers: readonly Provider[]
  readonly issuers: readonly Issuer[]
  readonly rateLimits: readonly RateLimit[]
  readonly custodians: readonly CustodyAccount[]
}

export function parseSite(
  written: WrittenSite,
  path: string,
  parties: Parties,
  env: Env,
  report: Report,
): Site {
  const provider = parties.providers.find(({ id }) => id === written.provider)
  if (written.provider !== undefined && provider === undefined) {
    const known = parties.providers.map(({ id }) => id).join(', ') || 'none'
    report(`${path}.provider`, `names no provider; there are: ${known}`)
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
  if (provider?.insecure === true && !written.development) {
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
    cookies: cookieProfile(written),
    session: parseSession(written),
    login: { lifetime: written.login.lifetime, returnTo: written.login.return_to },
    logout: { returnTo: written.logout.return_to },
    assertion: parseAssertion(
      written.assertion,
      {
        issuer: `${scheme}://${written.hosts[0] ?? ''}`,
        custody: parseSiteCustody(written, path, parties.custodians, report),
      },
      `${path}.assertion`,
      report,
    ),
    identityHeaders: new Set(written.identity_headers),
    routes: parseRoutes(written, path, parties, env, report),
    operator: parseOperator(written, path, parties, report),
    events: parseEvents(written, path, parties, report),
    proxies: parseProxies(written, path, env, report),
    rateLimits: parseSiteLimits(written, path, parties.rateLimits, report),
    longest: {
      edge: Math.max(
        access,
        ...parties.issuers.map(({ maxLifetime, clockSkew }) => maxLifetime + clockSkew),
      ),
      session: absolute,
    },
  })
}

function parseSession({ session }: WrittenSite): Site['session'] {
  const { device_bound: deviceBound, when_moved: whenMoved, ...times } = session
  const ignores = Object.values(whenMoved).every((then) => then === 'ignore')
  return { ...times, deviceBound, whenMoved: ignores ? undefined : whenMoved }
}

function parseEvents(
  { events }: WrittenSite,
  path: string,
  { issuers }: Parties,
  report: Report,
): Site['events'] {
  if (events === undefined) return undefined
  const issuer = issuers.find(({ id }) => id === events.issuer)
  if (issuer === undefined || issuer.algorithms.length === 0) {
    report(`${path}.events.issuer`, 'must name an issuer with algorithms: who signs the events')
    return undefined
  }
  return { issuer, audience: events.audience }
}

/** Operators come with tokens: a page in their browser must not act for them. */
function parseOperator(
  { operator, development }: WrittenSite,
  path: string,
  { issuers }: Parties,
  report: Report,
): AccessRule | undefined {
  if (operator === undefined) return undefined
  const rule = parseAccess(operator, `${path}.operator`, issuers, development, report)
  if (operator.issuers === undefined && issuers.length > 1) {
    report(
      `${path}.operator.issuers`,
      'is required where there are several ISSUERS: who may make operators',
    )
  }
  if (rule.any.has('anonymous') || rule.any.has('session')) {
    report(`${path}.operator.any`, 'can hold "bearer" and "machine" only')
  }
  const { scopes, scopesAny, claims, claimsAny, clientIds } = rule
  if ([scopes, scopesAny, claims, claimsAny, clientIds].every(({ length }) => length === 0)) {
    report(
      `${path}.operator`,
      'would make an operator of everybody with a token: name scopes, claims or client_ids',
    )
  }
  return rule
}

/**
 * `__Host-Http-` keeps a cookie to this host, to https and out of scripts, by the browser's own check of
 * the name. attack: cookie-tossing
 */
function cookieProfile({ cookies, session }: WrittenSite): Site['cookies'] {
  const prefix = cookies.secure ? '__Host-Http-' : ''
  // Browsers refuse to bind a cookie of that prefix, as it is they who ask for it. Of this one they do not.
  const bindable = cookies.secure ? '__Host-' : ''
  const same = cookies.same_site === 'lax' ? 'Lax' : 'Strict'
  return {
    access: `${session.device_bound === 'off' ? prefix : bindable}sallyport-access`,
    refresh: `${prefix}sallyport-refresh`,
    login: `${prefix}sallyport-login-`,
    attributes: `Path=/; ${cookies.secure ? 'Secure; ' : ''}HttpOnly; SameSite=${same}`,
  }
}

/** Where a site answers for itself, whatever its routes say. */
const wellKnown = ['/.well-known/jwks.json', '/.well-known/oauth-protected-resource']

function parseRoutes(
  site: WrittenSite,
  sitePath: string,
  parties: Parties,
  env: Env,
  report: Report,
): RouteTable {
  const pageHeaders = parsePageHeaders(
    site.page_headers,
    `${sitePath}.page_headers`,
    site.development,
    report,
  )
  const provider = parties.providers.find(({ id }) => id === site.provider)
  const table = new RouteTable()
  table.reserve(`${site.base_path}/*`)
  for (const own of wellKnown) table.reserve(`${own}/*`)
  for (const [i, written] of site.routes.entries()) {
    const path = `${sitePath}.routes[${i}]`
    if (written.path === site.base_path || written.path.startsWith(`${site.base_path}/`)) {
      report(`${path}.path`, `lies under base_path (${site.base_path}), which is never forwarded`)
    }
    const ours = wellKnown.find((own) => written.path === own || written.path.startsWith(`${own}/`))
    if (ours !== undefined) {
      report(`${path}.path`, `lies at ${ours}, where the site answers for itself`)
    }
    const access = parseAccess(
      written.access,
      `${path}.access`,
      parties.issuers,
      site.development,
      report,
    )
    const takesSessions = access.any.has('session')
    const of = { methods: written.methods, takesSessions, development: site.development }
    const route: Route = {
      path: written.path,
      methods: written.methods === undefined ? undefined : new Set(written.methods),
      pathParameters: written.path_parameters,
      access,
      upstream: parseUpstream(written, path, site, env, report),
      forward: parseForward(written, path, access, { site, provider }, report),
      revocation: parseRevocation(written, path, report),
      cache: written.cache,
      cors: parseCors(written.cors, `${path}.cors`, of, report),
      isolation: written.isolation,
      pageHeaders: written.page_headers ? pageHeaders : undefined,
      rateLimit: parseRouteLimit(written, path, parties.rateLimits, report),
    }
    if (route.isolation !== 'off' && route.cors?.origins === '*') {
      report(`${path}.isolation`, 'does not go with cors.origins = ["*"], which is for every page')
    }
    if (takesSessions && site.provider === undefined) {
      report(`${sitePath}.provider`, `is required: ${written.path} lets sessions in`)
    }
    const problem = table.add(route)
    if (problem !== undefined) report(`${path}.path`, problem)
  }
  for (const { routes, both } of table.contested(strictnessOf)) {
    const [a, b] = routes.map(({ path }) => path)
    report(
      `${sitePath}.routes`,
      `hold "${a}" and "${b}", which both match ${both} with unequal rules, and neither is more specific: ` +
        `give both the same rule, or ${both} a route of its own`,
    )
  }
  return table
}

/** What decides who may pass a route, in one text. */
function strictnessOf({ access, revocation, isolation }: Route): string {
  const issuers = access.issuers.map(({ id }) => id)
  return JSON.stringify([{ ...access, issuers }, revocation, isolation], (_key, value: unknown) =>
    value instanceof Set ? [...value].map(String).toSorted((a, b) => a.localeCompare(b)) : value,
  )
}

function parseRevocation(
  { revocation }: WrittenRoute,
  path: string,
  report: Report,
): RevocationPolicy {
  const { bound, when_unsure: whenUnsure, strict, watch_connections: watchConnections } = revocation
  if (strict && whenUnsure === 'open') {
    report(`${path}.revocation.when_unsure`, 'is "open": a strict route is closed when unsure')
  }
  return { bound, whenUnsure, strict, watchConnections }
}
