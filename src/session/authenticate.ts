/**
 * From cookies to a caller: the access cookie opened in the isolate; where it has run out, the session
 * renewed inside the same request.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { type OwnCookies, setCookie } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import type { Log } from '../log.ts'
import type { Seal } from '../seal.ts'
import type { TimedCache } from '../timed-cache.ts'
import { type Access, openAccessCookie, sealAccessCookie } from './access-cookie.ts'
import { moveOf, placeOf } from './place.ts'
import { parseRefreshCookie } from './refresh-cookie.ts'
import { accessLifetime, type Identity } from './session.ts'
import type { Handout, Sessions } from './sessions.ts'

export interface SessionServices {
  readonly seal: Seal
  readonly sessions: Sessions
  readonly log: Log
  /** Access cookies that were opened before, by site and text. */
  readonly openedCookies: TimedCache<Access>
}

/** Proof that a session's cookie was verified. Authorisation and forwarding accept nothing less. */
export class SessionCaller {
  readonly kind = 'session'
  readonly identity: Identity
  /** Cookies that the answer must carry: the session was renewed in this request. */
  readonly cookies: readonly string[]
  /** Seconds: the session is over then, if nothing renews it before. */
  readonly endsAt: number
  // A private field makes the class nominal: no literal passes for it.
  readonly #verified = true

  private constructor(identity: Identity, cookies: readonly string[], endsAt: number) {
    this.identity = identity
    this.cookies = cookies
    this.endsAt = endsAt
  }

  get verified(): boolean {
    return this.#verified
  }

  /** Verifies the cookies of a request; renews where the access cookie is gone. */
  static async authenticate(
    services: SessionServices,
    { site, request, now }: Visit,
    cookies: OwnCookies,
  ): Promise<Result<SessionCaller>> {
    const access = await readAccess(services, site, cookies, now)
    if (access.ok) {
      const here = await checkPlace(services, site, access.value.identity, request)
      if (!here.ok) return here
      const identity = await wholeIdentity(services, site, access.value)
      const { refreshBy } = access.value
      return identity.ok ? accept(new SessionCaller(identity.value, [], refreshBy)) : identity
    }
    if (cookies.refresh === undefined) return access
    const cookie = parseRefreshCookie(cookies.refresh)
    if (cookie === undefined) return deny({ reason: 'refresh_cookie_malformed' })
    const renewed = await services.sessions.renew(site, cookie, placeOf(request))
    if (!renewed.ok) return renewed
    const fresh = await sessionCookies(services.seal, site, renewed.value, now)
    return accept(new SessionCaller(renewed.value.identity, fresh, renewed.value.refreshBy))
  }
}

/**
 * Whether the session is used where it began, as far as the site cares; ends it where the site wants that. A change
 * that is only to be noted is the renewal's to note. attack: cookies-elsewhere
 */
export async function checkPlace(
  { sessions, log }: SessionServices,
  site: Site,
  { place, sessionId }: Identity,
  request: Request,
): Promise<Result<true>> {
  if (site.session.whenMoved === undefined) return accept(true)
  const move = moveOf(site, place, placeOf(request))
  if (move === undefined || move.does === 'note') return accept(true)
  if (move.does === 'end') {
    const what = move.what.join(' ')
    log('warn', 'session.moved', { site: site.id, session: sessionId, what, does: move.does })
    await sessions.end(site, { kind: 'access', sessionId }, true)
  }
  return deny({ reason: 'session_moved', what: move.what })
}

/**
 * The access cookie, opened; a denial that says why there is none. What was opened once is known again by its whole
 * text, at its site, until it runs out; place, revocation and rule are looked at each time. attack: remembered-credential
 */
export async function readAccess(
  services: SessionServices,
  site: Site,
  cookies: OwnCookies,
  now: number,
): Promise<Result<Access>> {
  if (cookies.access === undefined) return deny({ reason: 'session_missing' })
  const name = `${site.id} ${cookies.access}`
  const known = services.openedCookies.get(name, now)
  if (known !== undefined) return accept(known)
  const opened = await openAccessCookie(services.seal, site, cookies.access, now)
  if (opened.ok) services.openedCookies.set(name, opened.value, opened.value.expiresAt)
  return opened
}

/** Both cookies for a new or renewed session. */
export async function sessionCookies(
  seal: Seal,
  site: Site,
  handout: Handout,
  now: number,
): Promise<readonly string[]> {
  const expiresAt = Math.min(now + accessLifetime(handout, site, now), handout.refreshBy)
  const access = await sealAccessCookie(seal, site, handout.identity, expiresAt, handout.refreshBy)
  return [
    setCookie(site.cookies.access, access, expiresAt - now, site.cookies),
    setCookie(site.cookies.refresh, handout.refreshCookie, handout.refreshBy - now, site.cookies),
  ]
}

/**
 * The identity with its claims, from the object where they did not fit into the cookie. A session whose object
 * is gone has no claims to be judged by, so it is refused rather than judged without.
 */
export async function wholeIdentity(
  services: SessionServices,
  site: Site,
  access: Access,
): Promise<Result<Identity>> {
  if (!access.claimsInObject) return accept(access.identity)
  const identity = await services.sessions.identity(site, access.identity.sessionId)
  return identity === undefined ? deny({ reason: 'session_unknown' }) : accept(identity)
}
