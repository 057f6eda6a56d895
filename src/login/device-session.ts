/**
 * `POST /auth/device-session/…`: Device Bound Session Credentials. After a login the browser is offered to register a
 * key of its device; from then on it renews the access cookie by a proof of that key, before the request that needs it.
 *
 * Neither endpoint asks for cookies or for evidence of the origin: browsers send none with these requests where the
 * login, or the request behind them, came from another site. The challenge and the proof are the authority.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { Visit } from '../http/visit.ts'
import { sessionCookies } from '../session/authenticate.ts'
import { openRegistrationChallenge, proofChallenge } from '../session/device-challenge.ts'
import { placeOf } from '../session/place.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import type { Handout } from '../session/sessions.ts'
import { deviceKeyAlgorithms, readRegistration } from '../token/device-proof.ts'
import type { LoginServices } from './services.ts'

export const registrationPath = '/device-session/registration'

/** `Secure-Session-Registration`: a structured field (RFC 9651), whose strings here need no escaping. */
export function offerRegistration({ basePath }: Site, challenge: string): string {
  return `(${deviceKeyAlgorithms.join(' ')});path="${basePath}${registrationPath}";challenge="${challenge}"`
}

/** `POST /auth/device-session/registration`: binds the session of the challenge to the key of the proof. */
export async function registerDevice(
  services: LoginServices,
  visit: Visit,
): Promise<Result<Response>> {
  const { site, now } = visit
  if (site.session.deviceBound === 'off') return deny({ reason: 'route_unknown' })
  const proof = proofOf(visit)
  if (proof === undefined) return deny({ reason: 'device_proof_missing' })
  const registration = await readRegistration(proof)
  if (!registration.ok) return registration
  const { key, challenge } = registration.value
  const sessionId = await openRegistrationChallenge(services.seal, site, challenge, now)
  if (sessionId === undefined) return deny({ reason: 'device_proof_refused', check: 'challenge' })
  const bound = await services.sessions.bind(site, sessionId, key)
  if (!bound.ok) return bound
  services.log('info', 'session.bound', { site: site.id, session: sessionId })
  return accept(await instruct(services, visit, bound.value))
}

/** `POST /auth/device-session/:session`: renews; 403 with a challenge for a browser that has none that is good. */
export async function renewByDevice(
  services: LoginServices,
  visit: Visit,
): Promise<Result<Response>> {
  const { site, request, url } = visit
  const id = /\/(ses_[A-Za-z0-9_-]{22})$/.exec(url.pathname)?.[1] as SessionId | undefined
  // Browsers alone can send this header. attack: device-session-by-a-page
  if (site.session.deviceBound === 'off' || id === undefined)
    return deny({ reason: 'route_unknown' })
  if (!request.headers.has('sec-secure-session-id')) return deny({ reason: 'device_proof_missing' })
  const proof = proofOf(visit)
  if (proof === undefined) return accept(await askForProof(services, visit, id))
  const renewed = await services.sessions.renewBound(site, id, proof, placeOf(request))
  if (renewed.ok) {
    const answer = await instruct(services, visit, renewed.value)
    // For the next time, which then takes one request instead of two. A session that is new has none to keep yet.
    answer.headers.set('secure-session-challenge', await challengeHeader(services, visit, id))
    return accept(answer)
  }
  const { denial } = renewed
  const stale = denial.reason === 'device_proof_refused' && denial.check === 'challenge'
  return stale ? accept(await askForProof(services, visit, id)) : renewed
}

/** `Secure-Session-Response`: a string (RFC 9651), which browsers also send without its quotes. */
function proofOf({ request }: Visit): string | undefined {
  const value = request.headers.get('secure-session-response')?.trim()
  return value === undefined || value === '' ? undefined : value.replace(/^"([^"]*)"$/, '$1')
}

/** Costs no storage: who cannot sign may ask as often as they like. */
async function askForProof(
  services: LoginServices,
  visit: Visit,
  sessionId: SessionId,
): Promise<Response> {
  const headers = ownHeaders({
    'secure-session-challenge': await challengeHeader(services, visit, sessionId),
  })
  return new Response(null, { status: 403, headers })
}

async function challengeHeader(
  { seal, random }: LoginServices,
  visit: Visit,
  sessionId: SessionId,
): Promise<string> {
  const fresh = await proofChallenge(seal, visit.site, sessionId, random(9), visit.now)
  return `"${fresh}";id="${identifierOf(visit)}"`
}

/** The new cookies, and the rules by which the browser keeps them fresh. */
async function instruct(
  { seal }: LoginServices,
  visit: Visit,
  handout: Handout,
): Promise<Response> {
  const { site, url, now } = visit
  const { sessionId } = handout.identity
  const headers = ownHeaders()
  for (const cookie of await sessionCookies(seal, site, handout, now))
    headers.append('set-cookie', cookie)
  const instructions = {
    session_identifier: identifierOf(visit),
    refresh_url: `${site.basePath}/device-session/${sessionId}`,
    scope: { origin: url.origin, include_site: false, scope_specification: [] },
    credentials: [
      { type: 'cookie', name: site.cookies.access, attributes: site.cookies.attributes },
    ],
    // A link from elsewhere must find the person signed in. What another site could learn by timing it, it can by
    // navigating: the cookies are not sent to anything else that it begins.
    allowed_refresh_initiators: ['*'],
  }
  return Response.json(instructions, { headers })
}

/**
 * One for the host, whoever signs in: a new login's takes the place of the old one's in the browser, which would keep
 * renewing both, and their cookies have one name. attack: two-device-sessions
 */
function identifierOf({ url }: Visit): string {
  return url.host
}
