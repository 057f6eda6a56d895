/**
 * The way to the origin and back: scrubbed headers, the identity added, bodies streamed both ways, redirects
 * of the origin passed on.
 */
import type { Origin, Route } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { audienceOf } from '../http/audience.ts'
import type { CanonicalUrl } from '../http/canonical-url.ts'
import { addCors } from '../http/cors.ts'
import type { EditedHeaders } from '../http/edited-headers.ts'
import { addIsolationVary } from '../http/isolation.ts'
import { addPageHeaders, askForWholePage } from '../http/page-headers.ts'
import { forbidStoring, keepPrivate } from '../http/private.ts'
import { addForwarded } from '../http/scrub.ts'
import { scrubAnswer } from '../http/scrub-answer.ts'
import type { BodyEncoding, UpstreamRequest } from '../http/upstreams.ts'
import type { Visit } from '../http/visit.ts'
import type { Prover } from '../oidc/origin-proof.ts'
import type { Permit } from './authorize.ts'
import { addIdentity } from './identity.ts'
import { authorityOf, isEventStream } from './live.ts'
import { fetchProven } from './proven.ts'
import type { GatewayServices } from './services.ts'

/** `headers` are scrubbed already. Throws `Fault` of an `upstream_*` kind. */
export async function forward(
  services: GatewayServices,
  visit: Visit,
  permit: Permit,
  headers: Headers,
): Promise<Result<Response>> {
  const { request, site, url, now } = visit
  const { upstream } = permit.route
  if (upstream.kind === 'proxy')
    throw new Fault('upstream_misconfigured', 'a proxy forwards this route, not we')
  addForwarded(headers, request, url)
  askForWholePage(headers, request, permit.route.pageHeaders)
  const added = await addIdentity(services, site, permit, headers, now)
  if (!added.ok) return added
  if (request.headers.has('upgrade')) prepareUpgrade(headers)
  const sent: UpstreamRequest = {
    method: request.method,
    headers,
    body: request.body,
    encoding: encodingOf(permit.route),
  }
  const response = await reach(services, visit, upstream, sent, added.value)
  return accept(
    response.status === 101
      ? passSocket(services, visit, permit, response)
      : passBack(services, visit, permit, response),
  )
}

/** The origin's answer. */
function reach(
  services: GatewayServices,
  visit: Visit,
  upstream: Origin,
  sent: UpstreamRequest,
  prover: Prover | undefined,
): Promise<Response> {
  const target = targetOf(upstream, visit.url)
  const response =
    prover === undefined
      ? services.upstreams.fetch(upstream, target, sent)
      : fetchProven(services, visit, upstream, target, sent, prover)
  return upstream.kind === 'assets' && upstream.fallback !== undefined
    ? orPage(services, visit, upstream, sent, upstream.fallback, response)
    : response
}

/** The app's own page, where a person navigates to a place that the page knows and the assets do not. */
async function orPage(
  { upstreams }: GatewayServices,
  { request, url }: Visit,
  upstream: Origin,
  sent: UpstreamRequest,
  page: string,
  answer: Promise<Response>,
): Promise<Response> {
  const response = await answer
  const { method } = sent
  const visits = (method === 'GET' || method === 'HEAD') && audienceOf(request) === 'navigation'
  if (response.status !== 404 || !visits) return response
  await response.body?.cancel()
  return upstreams.fetch(upstream, url.origin + page, { ...sent, body: null })
}

/** The runtime makes its own handshake; of the client's, the subprotocols matter. */
function prepareUpgrade(headers: Headers): void {
  for (const name of ['key', 'version', 'extensions', 'accept'])
    headers.delete(`sec-websocket-${name}`)
  headers.set('upgrade', 'websocket')
}

function passSocket(
  { connections }: GatewayServices,
  visit: Visit,
  { caller, route }: Permit,
  response: Response,
): Response {
  const socket = response.webSocket
  if (socket === null) throw new Fault('upstream_unreachable', 'it changed to another protocol')
  const headers = new Headers()
  const protocol = response.headers.get('sec-websocket-protocol')
  if (protocol !== null) headers.set('sec-websocket-protocol', protocol)
  // A session that was renewed on the way keeps its new cookies.
  if (caller.kind === 'session')
    for (const cookie of caller.cookies) headers.append('set-cookie', cookie)
  const authority = authorityOf(caller, visit, route.revocation)
  const webSocket = authority === undefined ? socket : connections.relay(socket, authority)
  return new Response(null, { status: 101, webSocket, headers })
}

/** The judged URL on the upstream's host; for a binding, the judged URL itself. */
function targetOf(upstream: Origin, { href, pathname, search }: CanonicalUrl): string {
  if (upstream.kind !== 'url') return href
  const target = new URL(upstream.url)
  const prefix = target.pathname.endsWith('/') ? target.pathname.slice(0, -1) : target.pathname
  target.pathname = prefix + pathname
  target.search = search
  return target.href
}

function passBack(
  services: GatewayServices,
  visit: Visit,
  { route, caller }: Permit,
  response: Response,
): Response {
  const headers = scrubAnswer(response.headers, route)
  const ours = caller.kind === 'session' ? caller.cookies : []
  const isPersonal = caller.kind !== 'anonymous' || headers.has('set-cookie')
  for (const cookie of ours) headers.append('set-cookie', cookie)
  addCors(headers, visit.request, route)
  addIsolationVary(headers, route)
  // Our own cookies are never to be stored, whatever the route says.
  if (ours.length > 0) forbidStoring(headers)
  else if (isPersonal && route.cache === 'private') keepPrivate(headers)
  const nonce = addPageHeaders(headers, route.pageHeaders, () => services.random(16))
  addAge(headers, visit.request, services)
  const authority = isEventStream(headers)
    ? authorityOf(caller, visit, route.revocation)
    : undefined
  // Nothing is made anew where nothing changes.
  if (authority === undefined && !headers.isEdited) return response
  const body =
    authority === undefined || response.body === null
      ? response.body
      : services.connections.watchStream(response.body, authority)
  // Status, headers, and whether the body is packed: all of it as it came.
  const answer = new Response(body, response)
  headers.applyTo(answer.headers)
  // A part of a page has its place in the whole by the byte, and cannot be unpacked.
  return nonce === undefined || response.status === 206 ? answer : services.nonceTags(answer, nonce)
}

/** Pages are read here where tags get a nonce; everything else passes byte for byte. */
function encodingOf({ pageHeaders }: Route): BodyEncoding {
  return pageHeaders?.needsNonce === true ? 'automatic' : 'manual'
}

const ageHeader = 'sallyport-revocation-age'

/** For operators who want to see it: how old the knowledge was, in milliseconds, that the decision was taken on. */
function addAge(headers: EditedHeaders, request: Request, { revocations }: GatewayServices): void {
  if (request.headers.has(ageHeader)) headers.set(ageHeader, String(revocations.age() ?? 'unknown'))
}
