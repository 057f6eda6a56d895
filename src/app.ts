/**
 * The order of everything. A request becomes a visit (canonical URL, site), then goes to our own endpoints,
 * to the published keys, or through the gateway. The only `catch` that turns a fault into an answer is here.
 */
import type { Config } from './config/config.ts'
import { accept, type Denial, type Denied, deny, type Result } from './denial.ts'
import { Fault } from './fault.ts'
import { passGateway } from './gateway/gateway.ts'
import { answerResource, resourcePath } from './gateway/resource.ts'
import type { GatewayServices } from './gateway/services.ts'
import { answerVerify } from './gateway/verify.ts'
import { canonicalUrl } from './http/canonical-url.ts'
import { addCors } from './http/cors.ts'
import { checkEndpointLimit } from './http/rate-limit.ts'
import { refuse, refuseFault } from './http/refuse.ts'
import type { Visit } from './http/visit.ts'
import { answerKeySet, type PublishedKeys } from './keys/published.ts'
import { loginEndpoints } from './login/endpoints.ts'
import type { LoginServices } from './login/services.ts'
import { operatorEndpoints, operatorPath } from './operator/endpoints.ts'
import type { OperatorServices } from './operator/services.ts'

export interface Services extends LoginServices, GatewayServices, OperatorServices {
  readonly config: Config
  readonly publishedKeys: PublishedKeys
}

/** Answers a request; never throws. `now` in seconds. */
export async function answer(request: Request, services: Services, now: number): Promise<Response> {
  const arrived = arrive(request, services.config, now)
  if (!arrived.ok) return refused(services, request, undefined, arrived)
  const visit = arrived.value
  try {
    const result = await serve(services, visit)
    return result.ok ? result.value : refused(services, request, visit, result)
  } catch (error) {
    return broken(services, visit, error)
  }
}

/** The URL that is judged and forwarded, and the site it belongs to. */
function arrive(request: Request, config: Config, now: number): Result<Visit> {
  const host = request.headers.get('host')
  const url = canonicalUrl(request.url, { host, sites: config.siteByHost })
  if (!url.ok) return url
  const site = config.siteByHost.get(url.value.host)
  if (site === undefined) return deny({ reason: 'site_unknown' })
  if (url.value.protocol !== 'https:' && !site.development)
    return deny({ reason: 'scheme_insecure' })
  return accept({ request, url: url.value, site, now })
}

async function serve(services: Services, visit: Visit): Promise<Result<Response>> {
  const { pathname } = visit.url
  // The base path is ours: nothing below it is ever forwarded.
  if (isWithin(pathname, visit.site.basePath)) return serveOwn(services, visit)
  if (pathname === '/.well-known/jwks.json') return answerKeySet(services.publishedKeys, visit)
  if (isWithin(pathname, resourcePath)) return answerResource(visit)
  return passGateway(services, visit)
}

function isWithin(pathname: string, folder: string): boolean {
  return (
    pathname.startsWith(folder) &&
    (pathname.length === folder.length || pathname[folder.length] === '/')
  )
}

async function serveOwn(services: Services, visit: Visit): Promise<Result<Response>> {
  const { pathname } = visit.url
  const { basePath } = visit.site
  if (pathname === `${basePath}/verify`) {
    return answerVerify(services, visit, (asked, denied) =>
      refused(services, asked.request, asked, denied),
    )
  }
  const within = await checkEndpointLimit(services, visit)
  if (!within.ok) return within
  if (isWithin(pathname, basePath + operatorPath))
    return accept(await endpointsFor(services).operator.fetch(visit.request, { visit, services }))
  // A site without a provider signs nobody in.
  if (visit.site.provider === undefined) return deny({ reason: 'route_unknown' })
  return accept(await endpointsFor(services).login.fetch(visit.request, { visit, services }))
}

interface Endpoints {
  readonly login: ReturnType<typeof loginEndpoints>
  readonly operator: ReturnType<typeof operatorEndpoints>
}

const built = new WeakMap<Services, Endpoints>()

function endpointsFor(services: Services): Endpoints {
  const known = built.get(services)
  if (known !== undefined) return known
  const endpoints = {
    login: loginEndpoints((visit, denial) => refused(services, visit.request, visit, { denial })),
    operator: operatorEndpoints((visit, denied) => refused(services, visit.request, visit, denied)),
  }
  built.set(services, endpoints)
  return endpoints
}

function refused(
  services: Services,
  request: Request,
  visit: Visit | undefined,
  denied: Omit<Denied, 'ok'>,
): Response {
  const { denial } = denied
  services.log('info', 'request.denied', { site: visit?.site.id, ...logged(denial) })
  const place = visit === undefined ? undefined : { loginUrl: loginUrl(visit, denial) }
  return readable(refuse(request, denied, place), visit)
}

/** A page that may use the route may also read why it was refused. The base path belongs to no route. */
function readable(response: Response, visit: Visit | undefined): Response {
  if (visit === undefined || !visit.request.headers.has('origin')) return response
  const match = visit.site.routes.match(visit.url.pathname, visit.request.method)
  if (match.kind === 'route') addCors(response.headers, visit.request, match.route)
  return response
}

/** Where to sign in; as the rule wants it, where it asks for more than a sign-in (RFC 9470). */
function loginUrl({ url, site }: Visit, denial: Denial): string {
  const login = new URL(`${url.origin}${site.basePath}/login`)
  if (denial.reason === 'session_moved') login.searchParams.set('prompt', 'login')
  if (denial.reason === 'authentication_insufficient') {
    const { acrValues, maxAge } = denial
    if (acrValues.length > 0) login.searchParams.set('acr_values', acrValues.join(' '))
    if (maxAge !== undefined) login.searchParams.set('max_age', String(maxAge))
  }
  return login.href
}

/** A denial's fields are words of ours; lists become text. */
function logged(denial: Denial): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(denial).map(([name, value]) => [name, String(value)]))
}

function broken(services: Services, visit: Visit, error: unknown): Response {
  const fault =
    error instanceof Fault ? error : new Fault('internal', 'unexpected', { cause: error })
  services.log('error', 'request.failed', {
    site: visit.site.id,
    kind: fault.kind,
    detail: fault.message,
    // The cause's kind, not its text: that may be somebody else's.
    cause: fault.cause instanceof Error ? fault.cause.name : undefined,
  })
  return readable(refuseFault(visit.request, fault), visit)
}
