/**
 * Who calls, and whether the route's rule lets them in. What comes out, `Permit`, is the only thing that
 * `forward` accepts.
 */
import type { Route } from '../config/route.ts'
import { accept, deny, type Result } from '../denial.ts'
import { type OwnCookies, readOwnCookies } from '../http/cookie.ts'
import { checkSameOrigin, needsSameOrigin } from '../http/cross-site.ts'
import type { Visit } from '../http/visit.ts'
import { SessionCaller, type SessionServices } from '../session/authenticate.ts'

export type Caller = SessionCaller | Anonymous

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

  /** Cross-site check, credential, rule, in this order: nothing is renewed for a request that is refused. */
  static async ask(services: SessionServices, visit: Visit, route: Route): Promise<Result<Permit>> {
    const { any } = route.access
    // A public route does not look at credentials, so it cannot act on their authority.
    if (!any.has('session')) return accept(new Permit(route, anonymous))
    const cookies = readOwnCookies(visit.request.headers.get('cookie'), visit.site.cookies)
    if (!cookies.ok) return cookies
    if (!holdsSession(cookies.value)) {
      return any.has('anonymous')
        ? accept(new Permit(route, anonymous))
        : deny({ reason: 'session_missing' })
    }
    if (needsSameOrigin(visit.request)) {
      const checked = checkSameOrigin(visit.request.headers, visit.url.origin)
      if (!checked.ok) return checked
    }
    const caller = await SessionCaller.authenticate(services, visit.site, cookies.value, visit.now)
    if (caller.ok) return accept(new Permit(route, caller.value))
    // A route for everybody does not shut out a browser whose session has ended.
    return any.has('anonymous') ? accept(new Permit(route, anonymous)) : caller
  }
}

function holdsSession(cookies: OwnCookies): boolean {
  return cookies.access !== undefined || cookies.refresh !== undefined
}
