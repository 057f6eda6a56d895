/**
 * The door to the origins, in the order of the design: scrub, route, cross-site check, credential, rule,
 * forward. What an earlier step refuses causes nothing in a later one.
 */
import type { Route } from '../config/route.ts'
import { accept, type Denial, deny, type Result } from '../denial.ts'
import { audienceOf, mayReturn } from '../http/audience.ts'
import { seeOther } from '../http/answer.ts'
import { answerPreflight } from '../http/cors.ts'
import { checkIsolation } from '../http/isolation.ts'
import { longestReturnTo } from '../http/return-to.ts'
import { scrubHeaders } from '../http/scrub.ts'
import type { Visit } from '../http/visit.ts'
import { admit } from './admit.ts'
import type { Permit } from './authorize.ts'
import { forward } from './forward.ts'
import type { GatewayServices } from './services.ts'

export async function passGateway(
  services: GatewayServices,
  visit: Visit,
): Promise<Result<Response>> {
  const { request, site } = visit
  // Before routing, on every path: there is no way to an origin around it.
  const headers = scrubHeaders(request.headers, site)
  const preflight = answerPreflight(visit, site.routes)
  if (preflight !== undefined) return preflight
  const found = routeOf(visit)
  if (!found.ok) return found
  const route = found.value
  // A proxy forwards it and asks `verify`: here there is nothing to be had.
  if (route.upstream.kind === 'proxy') return deny({ reason: 'route_unknown' })
  const permit = await admit(services, visit, route)
  const passed = permit.ok
    ? withCookies(await forward(services, visit, permit.value, headers), permit.value)
    : permit
  if (passed.ok) return passed
  const login = loginFor(visit, route, passed.denial)
  return login === undefined ? passed : accept(seeOther(login, passed.cookies))
}

/** A session that was renewed keeps its new cookies, whatever is refused after that. */
export function withCookies<T>(result: Result<T>, { caller }: Permit): Result<T> {
  return result.ok || caller.kind !== 'session' ? result : { ...result, cookies: caller.cookies }
}

/** The route of a request; a denial where there is none, or it cannot be forwarded. */
export function routeOf(visit: Visit): Result<Route> {
  const { request, site, url } = visit
  const match = site.routes.match(url.pathname, request.method)
  if (match.kind === 'none') return deny({ reason: 'route_unknown' })
  if (match.kind === 'ambiguous') return deny({ reason: 'url_ambiguous', flaw: 'case' })
  if (match.kind === 'method') return deny({ reason: 'method_not_allowed', allow: match.allow })
  if (!isForwardable(request)) return deny({ reason: 'upgrade_unsupported' })
  const isolated = checkIsolation(visit, match.route)
  return isolated.ok ? accept(match.route) : isolated
}

/** Where to send a person who was refused for lack of a sign-in; `undefined` where that would not help. */
export function loginFor(
  { request, site, url }: Visit,
  route: Route,
  denial: Denial,
): string | undefined {
  const query = route.access.any.has('session') ? loginQuery(denial) : undefined
  if (query === undefined || !isNavigation(request)) return undefined
  const whole = url.pathname + url.search
  query.set('return_to', whole.length > longestReturnTo ? url.pathname : whole)
  return `${url.origin}${site.basePath}/login?${query.toString()}`
}

/** What a login has to bring, if one is what the refused request lacks (RFC 9470 for a stronger or fresher one). */
function loginQuery(denial: Denial): URLSearchParams | undefined {
  // Cookies that turned up elsewhere are not made good by a provider that remembers the browser.
  if (denial.reason === 'session_moved') return new URLSearchParams({ prompt: 'login' })
  if (signedOut.has(denial.reason)) return new URLSearchParams()
  if (denial.reason !== 'authentication_insufficient') return undefined
  const { acrValues, maxAge } = denial
  return new URLSearchParams({
    ...(acrValues.length === 0 ? {} : { acr_values: acrValues.join(' ') }),
    ...(maxAge === undefined ? {} : { max_age: String(maxAge) }),
  })
}

/** A person, who can be sent somewhere and brought back. */
function isNavigation(request: Request): boolean {
  const program = /^bearer /i.test(request.headers.get('authorization') ?? '')
  return audienceOf(request) === 'navigation' && mayReturn(request) && !program
}

/** Of protocols to change to there is one: WebSocket. */
function isForwardable({ method, headers }: Request): boolean {
  const upgrade = headers.get('upgrade')
  return upgrade === null || (upgrade.toLowerCase() === 'websocket' && method === 'GET')
}

const signedOut: ReadonlySet<string> = new Set([
  ...[
    'session_missing',
    'access_cookie_unreadable',
    'refresh_cookie_malformed',
    'refresh_cookie_unknown',
  ],
  ...[
    'refresh_cookie_reused',
    'session_unknown',
    'session_idle',
    'session_expired',
    'grant_revoked',
  ],
  ...['subject_changed', 'session_revoked', 'device_proof_missing', 'provider_token_over'],
])
