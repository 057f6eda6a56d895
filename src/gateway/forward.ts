/**
 * The way to the origin and back: scrubbed headers, the identity added, bodies streamed both ways, redirects
 * of the origin passed on.
 */
import type { Site } from '../config/config.ts'
import type { Route } from '../config/route.ts'
import { Fault } from '../fault.ts'
import { setsOwnCookie } from '../http/cookie.ts'
import { addForwarded } from '../http/scrub.ts'
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
): Promise<Response> {
  const { request, site, url, now } = visit
  const { upstream } = permit.route
  if (upstream.kind === 'proxy')
    throw new Fault('upstream_misconfigured', 'a proxy forwards this route, not we')
  addForwarded(headers, request, url)
  await addIdentity(services, site, permit, headers, now)
  if (request.headers.has('upgrade')) prepareUpgrade(headers)
  const response = await services.upstreams.fetch(upstream, targetOf(permit.route, url), {
    method: request.method,
    headers,
    body: request.body,
  })
  const authority = authorityOf(permit.caller, visit, permit.route.revocation)
  if (response.status === 101 && response.webSocket !== null)
    return passSocket(services, response, response.webSocket, authority, permit.caller)
  return passBack(site, response, permit.caller, bodyOf(services, response, authority))
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

interface Body {
  readonly stream: ReadableStream | null
  /** `manual`: it is passed on as it came, what is compressed stays compressed. */
  readonly encodeBody: 'manual' | 'automatic'
}

function bodyOf(
  { connections }: GatewayServices,
  { body, headers }: Response,
  authority: Authority | undefined,
): Body {
  if (authority !== undefined && body !== null && isEventStream(headers)) {
    // What passes through our hands is unpacked on the way, and packed again.
    return { stream: connections.watchStream(body, authority), encodeBody: 'automatic' }
  }
  return { stream: body, encodeBody: headers.has('content-encoding') ? 'manual' : 'automatic' }
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

function passBack(site: Site, response: Response, caller: Caller, body: Body): Response {
  const isSession = caller.kind === 'session'
  const cookies = isSession ? caller.cookies : []
  const headers = new Headers()
  for (const [name, value] of response.headers) {
    // What an origin sends must not look like our word. attack: origin-sets-our-headers
    if (name.startsWith('sallyport-') || hopByHop.has(name)) continue
    if (name === 'set-cookie' && setsOwnCookie(value, site.cookies)) continue
    headers.append(name, value)
  }
  for (const cookie of cookies) headers.append('set-cookie', cookie)
  // An answer to a session is one person's: no cache keeps it, nor the back button after sign-out.
  // attack: cached-set-cookie
  if (cookies.length > 0 || (isSession && !saysPrivate(headers))) {
    headers.set('cache-control', 'private, no-store')
  }
  return new Response(body.stream, {
    status: response.status,
    statusText: response.statusText,
    headers,
    encodeBody: body.encodeBody,
  })
}

/** An origin that names a private policy of its own keeps it. */
function saysPrivate(headers: Headers): boolean {
  return /\b(?:private|no-store)\b/i.test(headers.get('cache-control') ?? '')
}

const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'trailer',
])
