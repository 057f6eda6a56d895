/**
 * The way to the origin and back: scrubbed headers, the identity added, bodies streamed both ways, redirects
 * of the origin passed on.
 */
import type { Origin, Route } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { audienceOf } from '../http/audience.ts'
import { addCors } from '../http/cors.ts'
import { addIsolationVary } from '../http/isolation.ts'
import { addPageHeaders, askForWholePage } from '../http/page-headers.ts'
import { forbidStoring, keepPrivate } from '../http/private.ts'
import { addForwarded } from '../http/scrub.ts'
import { scrubAnswer } from '../http/scrub-answer.ts'
import type { BodyEncoding, UpstreamRequest } from '../http/upstreams.ts'
import type { Visit } from '../http/visit.ts'
import type { Authority } from '../revocation/connections.ts'
import type { Caller, Permit } from './authorize.ts'
import { addIdentity } from './identity.ts'
import { authorityOf, isEventStream } from './live.ts'
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
  const encoding = encodingOf(permit.route)
  const sent = { method: request.method, headers, body: request.body, encoding }
  const response = await reach(services, visit, upstream, targetOf(permit.route, url), sent)
  const authority = authorityOf(permit.caller, visit, permit.route.revocation)
  if (response.status === 101 && response.webSocket !== null)
    return accept(passSocket(services, response, response.webSocket, authority, permit.caller))
  return accept(passBack(services, visit, permit, response, bodyOf(services, response, authority)))
}

/** The origin's answer; of assets the app's own page for a person who navigates to a place that the page knows. */
async function reach(
  { upstreams }: GatewayServices,
  { request, url }: Visit,
  upstream: Origin,
  target: URL,
  sent: UpstreamRequest,
): Promise<Response> {
  const { method } = sent
  const response = await upstreams.fetch(upstream, target, sent)
  if (upstream.kind !== 'assets' || upstream.fallback === undefined) return response
  const visits = (method === 'GET' || method === 'HEAD') && audienceOf(request) === 'navigation'
  if (response.status !== 404 || !visits) return response
  await response.body?.cancel()
  const page = new URL(upstream.fallback, url.origin)
  return upstreams.fetch(upstream, page, { ...sent, body: null })
}

/** The runtime makes its own handshake; of the client's, the subprotocols matter. */
function prepareUpgrade(headers: Headers): void {
  for (const name of ['key', 'version', 'extensions', 'accept'])
    headers.delete(`sec-websocket-${name}`)
  headers.set('upgrade', 'websocket')
}

function passSocket(
  { connections }: GatewayServices,
  response: Response,
  socket: WebSocket,
  authority: Authority | undefined,
  caller: Caller,
): Response {
  const headers = new Headers()
  const protocol = response.headers.get('sec-websocket-protocol')
  if (protocol !== null) headers.set('sec-websocket-protocol', protocol)
  // A session that was renewed on the way keeps its new cookies.
  if (caller.kind === 'session')
    for (const cookie of caller.cookies) headers.append('set-cookie', cookie)
  const webSocket = authority === undefined ? socket : connections.relay(socket, authority)
  return new Response(null, { status: 101, webSocket, headers })
}

function bodyOf(
  { connections }: GatewayServices,
  { body, headers }: Response,
  authority: Authority | undefined,
): ReadableStream | null {
  if (authority === undefined || body === null || !isEventStream(headers)) return body
  return connections.watchStream(body, authority)
}

/** Pages are read here where tags get a nonce; everything else passes byte for byte. */
function encodingOf({ pageHeaders }: Route): BodyEncoding {
  return pageHeaders?.needsNonce === true ? 'automatic' : 'manual'
}

/** The judged URL on the upstream's host; for a binding, the judged URL itself. */
function targetOf(route: Route, url: URL): URL {
  if (route.upstream.kind !== 'url') return url
  const target = new URL(route.upstream.url)
  const prefix = target.pathname.endsWith('/') ? target.pathname.slice(0, -1) : target.pathname
  target.pathname = prefix + url.pathname
  target.search = url.search
  return target
}

function passBack(
  { random, nonceTags }: GatewayServices,
  visit: Visit,
  { route, caller }: Permit,
  response: Response,
  body: ReadableStream | null,
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
  const nonce = addPageHeaders(headers, route.pageHeaders, () => random(16))
  const answer = new Response(body, {
    status: response.status,
    statusText: response.statusText,
    headers,
    encodeBody: encodingOf(route),
  })
  // A part of a page has its place in the whole by the byte, and cannot be unpacked.
  return nonce === undefined || response.status === 206 ? answer : nonceTags(answer, nonce)
}
