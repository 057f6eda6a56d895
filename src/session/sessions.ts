/**
 * The port to session objects: `platform/session-stub.ts` implements it over RPC, `platform/session-object.ts`
 * is the single writer behind it. Its promises:
 *
 * - one session's operations run one after another, whoever asks;
 * - a new provider refresh token is stored before anyone is answered;
 * - nothing is aborted once a refresh token was sent;
 * - a denial is a value; a `Fault` is thrown and changes nothing.
 */
import type { Site } from '../config/config.ts'
import type { TokenTarget } from '../config/route.ts'
import type { Result } from '../denial.ts'
import type { OriginToken } from '../oidc/token-for.ts'
import type { SignedIn } from '../oidc/tokens.ts'
import type { DeviceKey } from '../token/device-proof.ts'
import type { Place } from './place.ts'
import type { RefreshCookie, SessionId } from './refresh-cookie.ts'
import type { Identity } from './session.ts'

/** What a browser gets: who it is, and the next refresh cookie. */
export interface Handout {
  readonly identity: Identity
  readonly refreshCookie: string
  /** Seconds since 1970: after this nothing renews the session. */
  readonly refreshBy: number
}

export interface Ended {
  /** For `id_token_hint`. */
  readonly idToken: string
}

/** How a request shows that it may end a session: a cookie that opened, or one for the object to check. */
export type EndAuthority =
  | { readonly kind: 'access'; readonly sessionId: SessionId }
  | { readonly kind: 'refresh'; readonly cookie: RefreshCookie }

export interface Sessions {
  create(
    site: Site,
    sessionId: SessionId,
    signedIn: SignedIn,
    userinfo: Readonly<Record<string, unknown>>,
    place: Place,
  ): Promise<Result<Handout>>
  /** Renews, where nothing of it is revoked by the authority's word: rotates the cookie, asks the provider where that is due. */
  renew(site: Site, cookie: RefreshCookie, place: Place): Promise<Result<Handout>>
  /** Renews a session that is bound to a device, by the device's proof: no cookie does. */
  renewBound(
    site: Site,
    sessionId: SessionId,
    proof: string,
    place: Place,
  ): Promise<Result<Handout>>
  /** Binds a session to a key, once, soon after it began; from then on nothing else renews it. */
  bind(site: Site, sessionId: SessionId, key: DeviceKey): Promise<Result<Handout>>
  /** Who the cookie belongs to; nothing changes. */
  peek(site: Site, cookie: RefreshCookie): Promise<Result<Omit<Handout, 'refreshCookie'>>>
  /** The whole identity of a session whose claims do not fit into a cookie. */
  identity(site: Site, sessionId: SessionId): Promise<Identity | undefined>
  /**
   * The provider's access token of a live session, refreshed where that is due, or one for `target` in exchange for it.
   * `provider_token_over` where there is none that holds, and none to be had.
   */
  token(
    site: Site,
    sessionId: SessionId,
    target: TokenTarget | undefined,
  ): Promise<Result<OriginToken>>
  /** Ends the session, marks it, and revokes its refresh token at the provider; `undefined` where there was none. */
  end(site: Site, authority: EndAuthority, revoke: boolean): Promise<Ended | undefined>
}
