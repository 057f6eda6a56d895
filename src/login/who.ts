/**
 * `GET /auth/session`: who is signed in, for the page. It never slides the session, and never shows a token.
 */
import type { RevocationPolicy } from '../config/route.ts'
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { providerOf } from '../oidc/client.ts'
import { namesOfSession } from '../revocation/names.ts'
import { checkPlace, readAccess, wholeIdentity } from '../session/authenticate.ts'
import { parseRefreshCookie } from '../session/refresh-cookie.ts'
import type { Identity } from '../session/session.ts'
import type { LoginServices } from './services.ts'

export async function who(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const seen = await look(services, visit, cookies)
  if (seen.ok) return accept(answer(describe(seen.value)))
  if (new URLSearchParams(visit.url.search).get('anonymous') === 'null') return accept(answer(null))
  return seen
}

/** As a route has it that says nothing else. */
const policy: RevocationPolicy = {
  bound: 10,
  whenUnsure: 'closed',
  strict: false,
  watchConnections: true,
}

interface Seen {
  readonly identity: Identity
  /** When the access cookie runs out; `null` where it has, and the next request renews it. */
  readonly expiresAt: number | null
  readonly refreshBy: number
}

async function look(
  services: LoginServices,
  { site, request, now }: Visit,
  cookies: OwnCookies,
): Promise<Result<Seen>> {
  const access = await readAccess(services, site, cookies, now)
  if (access.ok) {
    const identity = await wholeIdentity(services, site, access.value)
    if (!identity.ok) return identity
    const here = await checkPlace(services, site, identity.value, request)
    if (!here.ok) return here
    const { expiresAt, refreshBy } = access.value
    const what = namesOfSession(site.id, providerOf(site).clientId, identity.value)
    if (await services.revocations.isRevoked(what, policy))
      return deny({ reason: 'session_revoked' })
    return accept({ identity: identity.value, expiresAt, refreshBy })
  }
  if (cookies.refresh === undefined) return access
  const cookie = parseRefreshCookie(cookies.refresh)
  if (cookie === undefined) return deny({ reason: 'refresh_cookie_malformed' })
  const peeked = await services.sessions.peek(site, cookie)
  return peeked.ok ? accept({ ...peeked.value, expiresAt: null }) : peeked
}

function describe({ identity, expiresAt, refreshBy }: Seen): Readonly<Record<string, unknown>> {
  return {
    sub: identity.subject,
    iss: identity.issuer,
    claims: identity.claims,
    expires_at: expiresAt,
    refresh_by: refreshBy,
    created_at: identity.createdAt,
    auth_time: identity.authTime ?? null,
    acr: identity.acr ?? null,
    device_bound: identity.deviceKey !== undefined,
  }
}

function answer(body: unknown): Response {
  return Response.json(body, { headers: ownHeaders() })
}
