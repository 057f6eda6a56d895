/**
 * `POST /auth/refresh`: renews the session now; 204 with new cookies.
 */
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { sessionCookies, type SessionServices } from '../session/authenticate.ts'
import { placeOf } from '../session/place.ts'
import { parseRefreshCookie } from '../session/refresh-cookie.ts'

export async function refresh(
  services: SessionServices,
  { site, request, now }: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  if (cookies.refresh === undefined) return deny({ reason: 'session_missing' })
  const cookie = parseRefreshCookie(cookies.refresh)
  if (cookie === undefined) return deny({ reason: 'refresh_cookie_malformed' })
  const renewed = await services.sessions.renew(site, cookie, placeOf(request))
  // The loser of a race clears no cookie: the winner's may be in the browser already.
  if (!renewed.ok) return renewed
  const headers = ownHeaders()
  for (const line of await sessionCookies(services.seal, site, renewed.value, now)) {
    headers.append('set-cookie', line)
  }
  return accept(new Response(null, { status: 204, headers }))
}
