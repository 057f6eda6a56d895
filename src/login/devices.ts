/**
 * `GET /auth/sessions`: the devices on which the person is signed in. `DELETE /auth/sessions/:id` ends one of them,
 * `DELETE /auth/sessions` all others.
 */
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { providerOf } from '../oidc/client.ts'
import { namesOfSession } from '../revocation/names.ts'
import { checkPlace } from '../session/authenticate.ts'
import type { Device } from '../session/devices.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import { type PresentSession, presentSession } from './present-session.ts'
import type { LoginServices } from './services.ts'

export async function listDevices(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const present = await signedInOf(services, visit, cookies)
  if (!present.ok) return present
  const { identity, sessionId } = present.value
  const devices = await services.devices.list(visit.site, identity)
  const sessions = devices.map((device) => describe(device, sessionId))
  return accept(Response.json({ sessions }, { headers: ownHeaders() }))
}

/** 204; 404 for a session that is not the person's own. attack: session-of-somebody-else */
export async function endDevice(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const present = await signedInOf(services, visit, cookies)
  if (!present.ok) return present
  const id = visit.url.pathname.split('/').at(-1)
  const devices = await services.devices.list(visit.site, present.value.identity)
  const own = devices.find(({ sessionId }) => sessionId === id)
  if (own === undefined) return deny({ reason: 'route_unknown' })
  return end(services, visit, [own.sessionId])
}

export async function endOtherDevices(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const present = await signedInOf(services, visit, cookies)
  if (!present.ok) return present
  const devices = await services.devices.list(visit.site, present.value.identity)
  const others = devices.map(({ sessionId }) => sessionId)
  return end(
    services,
    visit,
    others.filter((id) => id !== present.value.sessionId),
  )
}

async function end(
  services: LoginServices,
  { site }: Visit,
  ids: readonly SessionId[],
): Promise<Result<Response>> {
  await Promise.all(
    ids.map((sessionId) => services.sessions.end(site, { kind: 'access', sessionId }, true)),
  )
  await services.revocations.catchUp()
  services.log('info', 'devices.ended', { site: site.id, count: ids.length })
  return accept(new Response(null, { status: 204, headers: ownHeaders() }))
}

/** Strict: who has been signed out must not see, or end, anything more. */
const strict = { bound: 10, whenUnsure: 'closed', strict: true, watchConnections: true } as const

async function signedInOf(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<PresentSession>> {
  const { site, request } = visit
  const present = await presentSession(services, visit, cookies)
  if (present === undefined) return deny({ reason: 'session_missing' })
  const here = await checkPlace(services, site, present.identity, request)
  if (!here.ok) return here
  const what = namesOfSession(site.id, providerOf(site).clientId, present.identity)
  return (await services.revocations.isRevoked(what, strict))
    ? deny({ reason: 'session_revoked' })
    : accept(present)
}

function describe(device: Device, current: SessionId) {
  return {
    id: device.sessionId,
    created_at: device.createdAt,
    seen_at: device.seenAt,
    ends_at: device.endsAt,
    browser: device.browser,
    country: device.country ?? null,
    current: device.sessionId === current,
  }
}
