/**
 * Who calls, and whether the route's rule lets them in. What comes out, `Permit`, is the only thing that
 * `forward` accepts.
 */
import type { Route } from '../config/route.ts'
import { accept, deny, type Denied, type Result } from '../denial.ts'
import { checkForm, readBearer } from '../http/bearer.ts'
import { challengeFor } from '../http/challenge.ts'
import { type OwnCookies, readOwnCookies } from '../http/cookie.ts'
import { isForeign, trustedOrigins } from '../http/cors.ts'
import { checkSameOrigin, needsSameOrigin } from '../http/cross-site.ts'
import type { Visit } from '../http/visit.ts'
import type { Revocable } from '../revocation/mark.ts'
import { namesOfSession, namesOfToken } from '../revocation/names.ts'
import { SessionCaller } from '../session/authenticate.ts'
import type { Identity } from '../session/session.ts'
import { BearerCaller } from './bearer-caller.ts'
import { acceptsTokens, metadataUrl } from './resource.ts'
import { judge, type Judged } from './rule.ts'
import type { CallerServices } from './services.ts'

export type Known = SessionCaller | BearerCaller
export type Caller = Known | Anonymous

export interface Anonymous {
  readonly kind: 'anonymous'
}

const anonymous: Anonymous = { kind: 'anonymous' }

/** Proof that a rule was asked and let the caller in. */
export class Permit {
  readonly route: Route
  readonly caller: Caller
  readonly #granted = true

  private constructor(route: Route, caller: Caller) {
    this.route = route
    this.caller = caller
  }

  get granted(): boolean {
    return this.#granted
  }

  /**
   * Credential (with the cross-site check where it is a cookie), revocation, rule: nothing is renewed for a request
   * that an earlier step refuses. A denial carries the challenge for API clients where the route takes tokens.
   */
  static async ask(services: CallerServices, visit: Visit, route: Route): Promise<Result<Permit>> {
    const rule = route.access
    // A public route does not look at credentials, so it cannot act on their authority.
    if (rule.any.size === 1 && rule.any.has('anonymous')) {
      return accept(new Permit(route, anonymous))
    }
    const caller = await identify(services, visit, route)
    if (!caller.ok) return challenged(caller, visit, route)
    if (caller.value.kind === 'anonymous') return accept(new Permit(route, anonymous))
    const what = revocableOf(caller.value, visit)
    if (await services.revocations.isRevoked(what, route.revocation)) {
      const isSession = caller.value.kind === 'session'
      // As with a session that has ended: a route for everybody does not shut out the browser.
      if (isSession && rule.any.has('anonymous')) return accept(new Permit(route, anonymous))
      const reason = isSession ? 'session_revoked' : 'token_revoked'
      return challenged(deny({ reason }), visit, route)
    }
    const denial = judge(rule, judgedOf(caller.value, visit), visit.now)
    if (denial === undefined) return accept(new Permit(route, caller.value))
    const refused = challenged(deny(denial), visit, route)
    // Who was renewed on the way keeps what the renewal gave, or every next request would renew again.
    return caller.value.kind === 'session' ? { ...refused, cookies: caller.value.cookies } : refused
  }
}

async function identify(
  services: CallerServices,
  visit: Visit,
  route: Route,
): Promise<Result<Caller>> {
  const { any } = route.access
  const token = acceptsTokens(route) ? readBearer(visit.request, visit.url) : accept(undefined)
  if (!token.ok) return token
  if (acceptsTokens(route) && visit.request.body !== null) {
    const form = await checkForm(visit.request)
    if (!form.ok) return form
  }
  const cookies = readOwnCookies(visit.request.headers.get('cookie'), visit.site.cookies)
  if (any.has('session') && !cookies.ok) return cookies
  const session = any.has('session') && cookies.ok && holdsSession(cookies.value)
  if (token.value !== undefined) {
    // Whose request it is must not depend on which one we look at first. attack: several-credentials
    if (session) return deny({ reason: 'credentials_several' })
    return BearerCaller.authenticate(services, visit, route.access, token.value)
  }
  if (session) return sessionOf(services, visit, cookies.value, route)
  if (any.has('anonymous')) return accept(anonymous)
  return deny({ reason: any.has('session') ? 'session_missing' : 'token_missing' })
}

async function sessionOf(
  services: CallerServices,
  visit: Visit,
  cookies: OwnCookies,
  { access: rule, cors }: Route,
): Promise<Result<Caller>> {
  if (needsSameOrigin(visit.request) || isForeign(visit, cors)) {
    const { headers } = visit.request
    const checked = checkSameOrigin(headers, visit.url.origin, trustedOrigins(cors))
    if (!checked.ok) return checked
  }
  const caller = await SessionCaller.authenticate(services, visit, cookies)
  // A route for everybody does not shut out a browser whose session has ended.
  return caller.ok || !rule.any.has('anonymous') ? caller : accept(anonymous)
}

function holdsSession(cookies: OwnCookies): boolean {
  return cookies.access !== undefined || cookies.refresh !== undefined
}

/** Under which names the caller may have been revoked, and since when it stands. */
export function revocableOf(caller: SessionCaller | BearerCaller, { site }: Visit): Revocable {
  if (caller.kind === 'session')
    return namesOfSession(site.id, site.provider?.clientId ?? '', caller.identity)
  const { issuer, id, subject, clientId, keyId, issuedAt, claims } = caller.token
  const providerSession = typeof claims['sid'] === 'string' ? claims['sid'] : undefined
  return namesOfToken(site.id, {
    issuer,
    id,
    subject,
    clientId,
    keyId,
    providerSession,
    issuedAt,
  })
}

/** Session and token in the same terms, so that one rule judges both; made of what the rule asks about. */
export function judgedOf(caller: SessionCaller | BearerCaller, { site }: Visit): Judged {
  if (caller.kind === 'session') return new JudgedSession(caller.identity, site.provider?.clientId)
  const { scopes, claims, clientId, acr, authTime } = caller.token
  return { kind: caller.kind, scopes, claims, clientId, acr, authTime }
}

class JudgedSession implements Judged {
  readonly kind = 'session'
  readonly clientId: string | undefined
  readonly #identity: Identity

  constructor(identity: Identity, clientId: string | undefined) {
    this.clientId = clientId
    this.#identity = identity
  }

  get scopes(): ReadonlySet<string> {
    return new Set((this.#identity.scope ?? '').split(' '))
  }

  get claims(): Judged['claims'] {
    const { claims, issuer, subject } = this.#identity
    return { ...claims, iss: issuer, sub: subject }
  }

  get acr(): string | undefined {
    return this.#identity.acr
  }

  get authTime(): number | undefined {
    return this.#identity.authTime
  }
}

function challenged(denied: Denied, { url }: Visit, route: Route): Denied {
  if (!acceptsTokens(route)) return denied
  return deny(denied.denial, challengeFor(denied.denial, metadataUrl(url.origin, route)))
}
