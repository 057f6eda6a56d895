/**
 * What others tell us has ended: the provider's back channel, the provider's logout page in a frame, and shared
 * signals. All of them become marks; no index of sessions is needed.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import { deleteCookie, type OwnCookies } from '../http/cookie.ts'
import { isShort } from '../http/length.ts'
import type { Visit } from '../http/visit.ts'
import { providerOf } from '../oidc/client.ts'
import { EventToken, oldest } from '../oidc/event-token.ts'
import { verifyLogoutToken } from '../oidc/logout-token.ts'
import { targetsOf } from '../oidc/shared-signals.ts'
import { forever, markOn, type MarkTarget } from '../revocation/mark.ts'
import { readForm } from './form.ts'
import { presentSession } from './present-session.ts'
import type { LoginServices } from './services.ts'

/** `POST /auth/backchannel-logout`: 200, or 400 for a token that is refused, 503 where no mark can be set. */
export async function backchannelLogout(
  services: LoginServices,
  { request, site, now }: Visit,
): Promise<Result<Response>> {
  const form = await readForm(request)
  if (!form.ok) return form
  const [text, second] = form.value.getAll('logout_token')
  if (text === undefined || second !== undefined)
    return deny({ reason: 'parameter_malformed', parameter: 'logout_token' })
  const logout = await verifyLogoutToken(text, providerOf(site), services.directory, now)
  if (!logout.ok) return logout
  const { token, target } = logout.value
  const marked = await markOnce(services, site, token, [target], 'back-channel logout')
  if (!marked.ok) return marked
  services.log('info', 'logout.by_provider', { site: site.id, kind: target.kind })
  return accept(new Response(null, { status: 200, headers: ownHeaders() }))
}

/**
 * `POST /auth/events` (RFC 8935): 202; a refused event is answered as section 2.3 wants it. What is no event that
 * ends anything, such as the verification of a stream, is accepted and done with.
 */
export async function receiveEvent(
  services: LoginServices,
  { request, site, now }: Visit,
): Promise<Result<Response>> {
  if (site.events === undefined) return deny({ reason: 'route_unknown' })
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/secevent+jwt' || !isShort(request.headers, 65_536))
    return accept(refusedEvent('invalid_request'))
  const { issuer, audience } = site.events
  const policy = {
    sender: issuer,
    algorithms: issuer.algorithms,
    audience,
    types: ['secevent+jwt'],
    mustExpire: false,
  }
  const text = new TextDecoder().decode(await request.arrayBuffer()).trim()
  const verified = await EventToken.verify(text, services.directory, policy, now)
  const marked = verified.ok
    ? await markOnce(services, site, verified.value, targetsOf(verified.value), 'shared signal')
    : verified
  if (!marked.ok) {
    const { denial } = marked
    const check = denial.reason === 'event_refused' ? denial.check : denial.reason
    services.log('info', 'event.refused', { site: site.id, check })
    return accept(refusedEvent(errorOf(check)))
  }
  services.log('info', 'event.received', { site: site.id, marks: marked.value })
  return accept(new Response(null, { status: 202, headers: ownHeaders() }))
}

/**
 * Marks what the event names, unless it came before. A sender that got no answer may try again: the event counts as
 * seen once its marks stand. attack: replayed-logout-token
 */
async function markOnce(
  { revocations }: LoginServices,
  site: Site,
  token: EventToken,
  targets: readonly MarkTarget[],
  reason: string,
): Promise<Result<number>> {
  const key = JSON.stringify([site.id, 'event', token.issuer, token.id])
  if (await revocations.wasSeen(key)) return deny({ reason: 'event_refused', check: 'replayed' })
  const marks = targets.map((target) => {
    // A session of the provider that has ended does not come back: a login that was under way with it is over too.
    const before = target.kind === 'provider_session' ? forever : 'now'
    return markOn(site, target, { before, reason, by: token.issuer })
  })
  if (marks.length > 0) await revocations.add(marks)
  await revocations.see(key, oldest + 120)
  return accept(marks.length)
}

/** The registered error codes of RFC 8935 section 2.4. */
function errorOf(check: string): string {
  if (check === 'issuer') return 'invalid_issuer'
  if (check === 'audience') return 'invalid_audience'
  return check.startsWith('key_') || check === 'signature' ? 'invalid_key' : 'invalid_request'
}

function refusedEvent(err: string): Response {
  const body = { err, description: 'The event is not accepted.' }
  return Response.json(body, { status: 400, headers: ownHeaders() })
}

/**
 * `GET /auth/frontchannel-logout?iss=&sid=`: the provider's logout page loads it in a frame. It ends the session that
 * the browser shows, if it is the one that is named, and says nothing. attack: forced-logout
 */
export async function frontchannelLogout(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const { site, url } = visit
  const asked = new URLSearchParams(url.search)
  const [iss, sid] = [asked.get('iss') ?? '', asked.get('sid') ?? '']
  if (!iss) return deny({ reason: 'parameter_malformed', parameter: 'iss' })
  if (!sid) return deny({ reason: 'parameter_malformed', parameter: 'sid' })
  const headers = ownHeaders({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': `default-src 'none'; frame-ancestors ${new URL(providerOf(site).issuer).origin}`,
  })
  const present = await presentSession(services, visit, cookies)
  if (present?.identity.issuer === iss && present.identity.providerSession === sid) {
    await services.sessions.end(site, present.authority, true)
    await services.revocations.catchUp()
    services.log('info', 'logout.by_provider', { site: site.id, kind: 'front_channel' })
    for (const name of [site.cookies.access, site.cookies.refresh])
      headers.append('set-cookie', deleteCookie(name, site.cookies))
  }
  return accept(new Response('<!doctype html><title>Signed out</title>', { headers }))
}
