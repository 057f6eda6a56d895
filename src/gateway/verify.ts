/**
 * `GET /auth/verify`: a proxy asks whether it may forward a request, and as whose. The original is judged as if it had
 * come here: the same URL check, the same routes, the same Permit.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Denied, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { ownHeaders, seeOther } from '../http/answer.ts'
import { withoutOwnCookies } from '../http/cookie.ts'
import { headerNames, readOriginal } from '../http/original-request.ts'
import { claimsIdentity } from '../http/scrub.ts'
import type { Visit } from '../http/visit.ts'
import { admit } from './admit.ts'
import type { Permit } from './authorize.ts'
import { loginFor, routeOf, withCookies } from './gateway.ts'
import { addIdentity } from './identity.ts'
import { addPlainIdentity } from './plain-identity.ts'
import { ProvenProxy, secretHeader } from './proven-proxy.ts'
import type { GatewayServices } from './services.ts'

/** Renders a denial of a visit; it comes from above. */
type Refuse = (visit: Visit, denied: Denied) => Response

/**
 * 202 with the identity, or the refusal in the form that the proxy can hand on. Without proof of a proxy there is no such
 * endpoint.
 */
export async function answerVerify(
  services: GatewayServices,
  visit: Visit,
  refuse: Refuse,
): Promise<Result<Response>> {
  const proxy = ProvenProxy.recognise(visit)
  if (proxy === undefined) {
    const { id, proxies } = visit.site
    if (proxies.length > 0) services.log('info', 'verify.unproven', { site: id })
    return deny({ reason: 'route_unknown' })
  }
  const original = originalOf(proxy, visit)
  if (!original.ok) return accept(refusal(proxy, visit, original, refuse))
  const asked = original.value
  const route = routeOf(asked)
  if (!route.ok) return accept(refusal(proxy, asked, route, refuse))
  const permit = await admit(services, asked, route.value)
  const passed = permit.ok
    ? withCookies(await permitted(services, proxy, asked, permit.value), permit.value)
    : permit
  if (passed.ok) return passed
  const login = loginFor(asked, route.value, passed.denial)
  return accept(refusal(proxy, asked, passed, refuse, login))
}

/** The visit that the original request would have been. */
function originalOf(proxy: ProvenProxy, { request, site, now }: Visit): Result<Visit> {
  if (request.method !== 'GET') return deny({ reason: 'method_not_allowed', allow: ['GET'] })
  const original = readOriginal(proxy.kind, request.headers)
  if (!original.ok) return original
  const { method, url } = original.value
  // One site's proxy is told nothing of another site. attack: proxy-of-another-site
  if (!site.hosts.includes(url.host)) return deny({ reason: 'original_refused', flaw: 'host' })
  if (url.protocol !== 'https:' && !site.development) return deny({ reason: 'scheme_insecure' })
  // What is ours is answered here, and never by what lies behind a proxy.
  if (url.pathname === site.basePath || url.pathname.startsWith(`${site.basePath}/`))
    return deny({ reason: 'route_unknown' })
  const headers = originalHeaders(request.headers)
  // We cannot take a header away from what the proxy forwards. attack: identity-past-the-proxy
  if (claimsIdentity(headers, site))
    return deny({ reason: 'original_refused', flaw: 'identity_header' })
  return accept({ request: new Request(url.href, { method, headers }), url, site, now })
}

/** The original's headers, which the proxy passes along: without its own words about it. */
function originalHeaders(incoming: Headers): Headers {
  const headers = new Headers(incoming)
  for (const name of [...headerNames, secretHeader, 'content-length']) headers.delete(name)
  const address = clientAddress(incoming)
  if (address !== undefined) headers.set('cf-connecting-ip', address)
  // Proxies keep `Upgrade` to themselves, and a handshake then looks like any GET. attack: upgrade-hidden-by-proxy
  const isHandshake =
    headers.has('sec-websocket-key') ||
    headers.has('sec-websocket-version') ||
    headers.get('sec-fetch-mode') === 'websocket'
  if (isHandshake) headers.set('upgrade', 'websocket')
  return headers
}

/**
 * Whom the proxy saw: the last entry of `X-Forwarded-For` but the proxy itself, which Cloudflare may have added. Limits
 * alone depend on it.
 */
function clientAddress(headers: Headers): string | undefined {
  const entries = (headers.get('x-forwarded-for') ?? '').split(',').map((entry) => entry.trim())
  const own = headers.get('cf-connecting-ip')
  return entries.findLast((entry) => entry !== '' && entry !== own)
}

async function permitted(
  services: GatewayServices,
  proxy: ProvenProxy,
  { request, site, now }: Visit,
  permit: Permit,
): Promise<Result<Response>> {
  const { caller } = permit
  const headers = ownHeaders()
  const added = await addIdentity(services, site, permit, headers, now)
  if (!added.ok) return added
  // We do not send the request, and what we sign holds for one that we send.
  if (added.value !== undefined)
    throw new Fault(
      'upstream_misconfigured',
      'a proxy cannot prove a token that is bound to our key',
    )
  if (proxy.plain) addPlainIdentity(headers, caller)
  // Our cookies are not for an origin: the proxy takes this list in the place of the client's.
  const cookie = withoutOwnCookies(request.headers.get('cookie') ?? '')
  if (cookie !== undefined) headers.set('cookie', cookie)
  if (caller.kind === 'session') addCookies(headers, proxy, site, caller.cookies)
  return accept(new Response(null, { status: 202, headers }))
}

/**
 * The new cookies of a renewed session. Traefik hands on `Set-Cookie` by name; to nginx and Caddy two lines of one name are
 * one value, or only the first, so that each cookie has a header of its own.
 */
function addCookies(
  headers: Headers,
  { kind }: ProvenProxy,
  { cookies: names }: Site,
  cookies: readonly string[],
): void {
  for (const cookie of cookies) {
    const which = cookie.startsWith(`${names.access}=`) ? 'access' : 'refresh'
    if (kind === 'traefik') headers.append('set-cookie', cookie)
    else headers.set(`sallyport-set-${which}-cookie`, cookie)
  }
}

/** Traefik and Caddy give the browser our answer; nginx knows 401 and 403, and its own pages. */
function refusal(
  proxy: ProvenProxy,
  visit: Visit,
  denied: Denied,
  refuse: Refuse,
  login?: string,
): Response {
  const { cookies = [] } = denied
  // Rendered in any case: this writes the log.
  const answer = refuse(visit, denied)
  if (proxy.kind !== 'nginx') return login === undefined ? answer : seeOther(login, cookies)
  const headers = new Headers(answer.headers)
  for (const name of ['set-cookie', 'content-type', 'content-security-policy']) headers.delete(name)
  addCookies(headers, proxy, visit.site, cookies)
  headers.set('sallyport-reason', denied.denial.reason)
  if (login !== undefined) headers.set('sallyport-login-url', login)
  return new Response(null, { status: answer.status === 401 ? 401 : 403, headers })
}
