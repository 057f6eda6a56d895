/**
 * What the gateway would do with a request, in lines for a person. The decision is `Permit.ask`'s or `judge`'s own;
 * here it is only told.
 */
import type { Config } from '../src/config/config.ts'
import type { Publisher } from '../src/config/issuer.ts'
import type { CallerKind, Route } from '../src/config/route.ts'
import { Fault } from '../src/fault.ts'
import { judgedOf, Permit } from '../src/gateway/authorize.ts'
import { BearerCaller } from '../src/gateway/bearer-caller.ts'
import { acceptsTokens } from '../src/gateway/resource.ts'
import { judge, type Judged } from '../src/gateway/rule.ts'
import type { CallerServices } from '../src/gateway/services.ts'
import { readBearer } from '../src/http/bearer.ts'
import { canonicalUrl } from '../src/http/canonical-url.ts'
import type { Visit } from '../src/http/visit.ts'
import { fetchDocuments, type ProviderDocuments } from '../src/oidc/provider-documents.ts'
import { decryptionKeysOf } from '../src/platform/decryption-keys.ts'
import { outbound } from '../src/platform/outbound.ts'
import type { Revocations } from '../src/revocation/revocations.ts'
import { Seal } from '../src/seal.ts'
import { TimedCache } from '../src/timed-cache.ts'
import { KeySet } from '../src/token/key-set.ts'
import { partsOfRoute } from './route-parts.ts'
import { listOf, partsOf } from './rule-parts.ts'

export interface Asked {
  /** Capitals. */
  readonly method: string
  readonly url: string
  readonly token: string | undefined
  /** A caller to judge who has no credential here. */
  readonly supposed:
    | {
        readonly kind: 'session' | 'bearer' | 'machine'
        readonly claims: Readonly<Record<string, unknown>>
      }
    | undefined
}

export interface Explanation {
  readonly lines: readonly string[]
  /** Whether it would be forwarded; true where no caller was given and a route matches. */
  readonly passes: boolean
}

/** `now` in seconds. */
export async function explain(config: Config, asked: Asked, now: number): Promise<Explanation> {
  const lines = [`${asked.method} ${asked.url}`, '']
  const refused = (why: string): Explanation => ({
    lines: [...lines, row('refused', why)],
    passes: false,
  })

  const url = canonicalUrl(asked.url, { sites: config.siteByHost })
  if (!url.ok) return refused(`${url.denial.reason}: ${JSON.stringify(url.denial)}`)
  const site = config.siteByHost.get(url.value.host)
  if (site === undefined) {
    const hosts = listOf([...config.siteByHost.keys()], 'and')
    return refused(`site_unknown: no site has the host ${url.value.host}; there are ${hosts}`)
  }
  lines.push(row('site', site.id))
  if (url.value.protocol !== 'https:' && !site.development)
    return refused('scheme_insecure: the site is served over https only')
  const { pathname } = url.value
  if (pathname === site.basePath || pathname.startsWith(`${site.basePath}/`)) {
    lines.push(row('route', `none: everything below ${site.basePath} is Sallyport's own`))
    return { lines, passes: true }
  }
  const match = site.routes.match(pathname, asked.method)
  if (match.kind === 'none') return refused('route_unknown: no route has a path that matches')
  if (match.kind === 'ambiguous')
    return refused('url_ambiguous: another route would match if case did not matter')
  if (match.kind === 'method')
    return refused(`method_not_allowed: the route that matches takes ${match.allow.join(', ')}`)
  const headers = asked.token === undefined ? {} : { authorization: `Bearer ${asked.token}` }
  const request = new Request(url.value.href, { method: asked.method, headers })
  const visit: Visit = { request, url: url.value, site, now }
  lines.push(
    ...partsOfRoute(match.route, visit.url.origin).map(([name, words]) => row(name, words)),
  )

  if (asked.supposed !== undefined)
    return told(lines, match.route, supposedCaller(asked.supposed, visit), now)
  if (asked.token === undefined) return { lines, passes: true }
  return withToken(lines, match.route, visit, config)
}

async function withToken(
  lines: readonly string[],
  route: Route,
  visit: Visit,
  config: Config,
): Promise<Explanation> {
  const services = await servicesFor(config)
  try {
    const permit = await Permit.ask(services, visit, route)
    const caller = await callerOf(services, route, visit)
    const who = caller === undefined ? [] : [row('token', wordsOf(caller, visit.now))]
    const why = caller === undefined ? [] : verdicts(route, judgedOf(caller, visit), visit.now)
    if (permit.ok) {
      const outcome = row('passes', `as ${permit.value.caller.kind}, unless it was revoked`)
      return { lines: [...lines, '', ...who, ...why, outcome], passes: true }
    }
    const { reason, ...detail } = permit.denial
    const said = Object.entries(detail).map(([name, value]) => `${name} ${String(value)}`)
    const outcome = row('refused', [reason, ...said].join(', '))
    return { lines: [...lines, '', ...who, ...why, outcome], passes: false }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { lines: [...lines, '', row('fault', `${error.kind}: ${error.message}`)], passes: false }
  }
}

/** Whose token it is, where it is good. */
async function callerOf(
  services: CallerServices,
  route: Route,
  visit: Visit,
): Promise<BearerCaller | undefined> {
  const { request, url } = visit
  const token = readBearer(request, url)
  if (!token.ok || token.value === undefined || !acceptsTokens(route)) return undefined
  const caller = await BearerCaller.authenticate(services, visit, route.access, token.value)
  return caller.ok ? caller.value : undefined
}

function wordsOf({ kind, token }: BearerCaller, now: number): string {
  const client = token.clientId === undefined ? '' : `, client ${token.clientId}`
  return `${kind} ${token.principal} of ${token.issuer}${client}, ends in ${String(token.expiresAt - now)} s`
}

function supposedCaller({ kind, claims }: NonNullable<Asked['supposed']>, { site }: Visit): Judged {
  const text = (name: string) => (typeof claims[name] === 'string' ? claims[name] : undefined)
  const { auth_time: authTime } = claims
  return {
    kind,
    scopes: new Set((text('scope') ?? '').split(' ')),
    claims,
    clientId: kind === 'session' ? site.provider?.clientId : text('client_id'),
    acr: text('acr'),
    authTime: typeof authTime === 'number' ? authTime : undefined,
  }
}

function told(lines: readonly string[], route: Route, caller: Judged, now: number): Explanation {
  const why = verdicts(route, caller, now)
  const denial = isPublic(route) ? undefined : judge(route.access, caller, now)
  const outcome =
    denial === undefined ? row('passes', `as ${caller.kind}`) : row('refused', denial.reason)
  return { lines: [...lines, '', ...why, outcome], passes: denial === undefined }
}

function verdicts(route: Route, caller: Judged, now: number): readonly string[] {
  if (isPublic(route)) return []
  return partsOf(route.access).map((part) =>
    row(part.holds(caller, now) ? 'yes' : 'no', part.words),
  )
}

function isPublic({ access }: Route): boolean {
  return access.any.size === 1 && access.any.has('anonymous' satisfies CallerKind)
}

/** The gateway's needs on this machine: keys as they are published now, and no sessions. */
async function servicesFor(config: Config): Promise<CallerServices> {
  const known = new Map<string, Promise<ProviderDocuments>>()
  const documents = (publisher: Publisher): Promise<ProviderDocuments> => {
    const read =
      known.get(publisher.publisher) ??
      fetchDocuments(publisher, outbound, Math.floor(Date.now() / 1000), undefined)
    known.set(publisher.publisher, read)
    return read
  }
  const noSessions = () => Promise.reject(new Error('There are no sessions here.'))
  return {
    seal: await Seal.fromKeys(config.sealKeys),
    log: () => undefined,
    sessions: {
      create: noSessions,
      end: noSessions,
      peek: noSessions,
      identity: noSessions,
      renew: noSessions,
      renewBound: noSessions,
      token: noSessions,
      bind: noSessions,
    },
    outbound,
    introspections: new TimedCache(),
    tokens: new TimedCache(),
    openedCookies: new TimedCache(),
    decryptionKeys: decryptionKeysOf,
    revocations: noMarks,
    rateLimits: { count: async () => true },
    directory: {
      metadata: async (publisher) => (await documents(publisher)).metadata,
      keys: async (publisher) => {
        const pinned = config.issuers.find((issuer) => issuer === publisher)?.pinnedKeys
        const written: unknown = pinned ?? (await documents(publisher)).jwks
        const keys = KeySet.parse(written, publisher.distrustedKeys)
        if (keys === undefined) throw new Fault('provider_malformed', 'the key set is not a JWKS')
        return keys
      },
      keysAtHand: () => undefined,
    },
  }
}

/** The denylist is the deployment's: from here nothing of it is to be seen. */
const noMarks: Revocations = {
  isRevoked: async () => false,
  catchUp: async () => undefined,
  add: async () => undefined,
  list: async () => [],
  remove: async () => false,
  wasSeen: async () => false,
  see: async () => undefined,
  age: () => undefined,
}

function row(name: string, text: string): string {
  return `${name.padEnd(9)} ${text}`
}
