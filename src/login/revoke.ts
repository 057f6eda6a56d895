/**
 * `POST /auth/revoke` (RFC 7009): ends the session that a token of ours stands for. Whoever has the token may: it is
 * the authority itself. What is no token of ours is answered the same, as section 2.2 wants it.
 */
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { Visit } from '../http/visit.ts'
import { openAccessCookie } from '../session/access-cookie.ts'
import { parseRefreshCookie } from '../session/refresh-cookie.ts'
import type { EndAuthority } from '../session/sessions.ts'
import { readForm } from './form.ts'
import type { LoginServices } from './services.ts'

export async function revoke(services: LoginServices, visit: Visit): Promise<Result<Response>> {
  const form = await readForm(visit.request)
  if (!form.ok) return form
  const [token, second] = form.value.getAll('token')
  if (!token || second !== undefined)
    return deny({ reason: 'parameter_malformed', parameter: 'token' })
  const authority = await authorityOf(services, visit, token)
  if (authority !== undefined) {
    await services.sessions.end(visit.site, authority, true)
    await services.revocations.catchUp()
  }
  return accept(new Response(null, { status: 200, headers: ownHeaders() }))
}

async function authorityOf(
  { seal }: LoginServices,
  { site, now }: Visit,
  token: string,
): Promise<EndAuthority | undefined> {
  const cookie = parseRefreshCookie(token)
  if (cookie !== undefined) return { kind: 'refresh', cookie }
  const opened = await openAccessCookie(seal, site, token, now)
  return opened.ok ? { kind: 'access', sessionId: opened.value.identity.sessionId } : undefined
}
