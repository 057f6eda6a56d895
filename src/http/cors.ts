/**
 * Which pages of other origins may read what a route answers (Fetch, "CORS protocol"): from the route's list, and
 * nobody's word else.
 */
import type { CorsPolicy } from '../config/browser-policy.ts'
import type { Route } from '../config/route.ts'
import type { RouteTable } from '../config/route-table.ts'
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from './answer.ts'
import type { HeaderFields } from './edited-headers.ts'
import type { Visit } from './visit.ts'

const nobody: ReadonlySet<string> = new Set()

/** The foreign origins that may act on a cookie's authority, with the `X-CSRF` header. */
export function trustedOrigins(cors: CorsPolicy | undefined): ReadonlySet<string> {
  return cors === undefined || !cors.credentials || cors.origins === '*' ? nobody : cors.origins
}

/** Whether a page of another origin sent the request, to a route that such pages may use. */
export function isForeign({ request, url }: Visit, cors: CorsPolicy | undefined): boolean {
  const sender = request.headers.get('origin')
  return cors !== undefined && sender !== null && sender !== url.origin
}

/** Exactly the text that stands in the list: nothing of an origin is a pattern. attack: reflected-origin */
export function isListed({ origins }: CorsPolicy, sender: string): boolean {
  return origins === '*' || origins.has(sender)
}

/**
 * Answers a preflight for a route that has `cors`, without a look at any credential; `undefined` for every other
 * request, which goes the usual way.
 */
export function answerPreflight(
  { request, url }: Visit,
  routes: RouteTable,
): Result<Response> | undefined {
  if (request.method !== 'OPTIONS') return undefined
  const sender = request.headers.get('origin')
  const method = request.headers.get('access-control-request-method')
  if (sender === null || method === null) return undefined
  const match = routes.match(url.pathname, method)
  if (match.kind !== 'route' || match.route.cors === undefined) return undefined
  const { cors } = match.route
  if (!isListed(cors, sender)) return deny({ reason: 'cors_origin_unlisted' })
  const headers = ownHeaders({
    'access-control-allow-methods': cors.methods,
    'access-control-max-age': String(cors.maxAge),
    vary: 'Access-Control-Request-Method, Access-Control-Request-Headers',
  })
  if (cors.headers !== '') headers.set('access-control-allow-headers', cors.headers)
  allow(headers, cors, sender)
  return accept(new Response(null, { status: 204, headers }))
}

/**
 * Whether the route's word stands in the place of the origin's. Where a route has no list, what an origin says of itself
 * passes if no session of ours can stand behind it.
 */
export function speaksForCors({ cors, access }: Route): boolean {
  return cors !== undefined || access.any.has('session')
}

/** Puts the route's word on an answer of ours, refusals included, or on the origin's, from which its own is gone (`scrub-answer.ts`). */
export function addCors(headers: HeaderFields, request: Request, { cors }: Route): void {
  if (cors === undefined) return
  const sender = request.headers.get('origin')
  if (sender !== null && isListed(cors, sender)) {
    if (cors.expose !== '') headers.set('access-control-expose-headers', cors.expose)
    allow(headers, cors, sender)
  } else if (cors.origins !== '*') {
    addVary(headers, 'Origin')
  }
}

function allow(headers: HeaderFields, { origins, credentials }: CorsPolicy, sender: string): void {
  headers.set('access-control-allow-origin', origins === '*' ? '*' : sender)
  if (credentials) headers.set('access-control-allow-credentials', 'true')
  if (origins !== '*') addVary(headers, 'Origin')
}

/** Names a header on which the answer depends, so that no cache gives one page the answer to another. */
export function addVary(headers: HeaderFields, name: string): void {
  const written = (headers.get('vary') ?? '').toLowerCase()
  const known = new Set(written.split(',').map((one) => one.trim()))
  if (!known.has('*') && !known.has(name.toLowerCase())) headers.append('vary', name)
}
