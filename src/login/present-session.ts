/**
 * The session that a browser shows, if its cookies prove one.
 */
import type { OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { readAccess, type SessionServices } from '../session/authenticate.ts'
import { parseRefreshCookie, type SessionId } from '../session/refresh-cookie.ts'
import type { Identity } from '../session/session.ts'
import type { EndAuthority } from '../session/sessions.ts'

export interface PresentSession {
  readonly sessionId: SessionId
  readonly identity: Identity
  readonly authority: EndAuthority
}

/** `undefined` where there is none. Nothing changes: it neither renews nor ends. */
export async function presentSession(
  services: SessionServices,
  { site, now }: Visit,
  cookies: OwnCookies,
): Promise<PresentSession | undefined> {
  const access = await readAccess(services, site, cookies, now)
  if (access.ok) {
    const { identity } = access.value
    const { sessionId } = identity
    return { sessionId, identity, authority: { kind: 'access', sessionId } }
  }
  const cookie = parseRefreshCookie(cookies.refresh ?? '')
  if (cookie === undefined) return undefined
  const peeked = await services.sessions.peek(site, cookie)
  if (!peeked.ok) return undefined
  const { identity } = peeked.value
  return { sessionId: cookie.sessionId, identity, authority: { kind: 'refresh', cookie } }
}
