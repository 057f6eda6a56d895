/**
 * Every reason for which Sallyport refuses, as one union: a denial is a returned value (the caller may
 * not), never thrown. `http/refuse.ts` holds the one table that maps a reason to the wire; what else an
 * arm carries is for the log alone, unless that table says otherwise.
 */
export type Denial =
  // The request itself
  | { readonly reason: 'url_ambiguous'; readonly flaw: string }
  | { readonly reason: 'site_unknown' }
  | { readonly reason: 'scheme_insecure' }
  | { readonly reason: 'headers_too_large' }
  | { readonly reason: 'route_unknown' }
  | { readonly reason: 'method_not_allowed'; readonly allow: readonly string[] }
  | { readonly reason: 'body_not_a_form' }
  | { readonly reason: 'cross_site'; readonly evidence: string }
  | { readonly reason: 'upgrade_unsupported' }
  | { readonly reason: 'cors_origin_unlisted' }
  | { readonly reason: 'isolated'; readonly evidence: string }
  | {
      readonly reason: 'rate_limited'
      /** The limit's name. */
      readonly policy: string
      /** So many requests … */
      readonly quota: number
      /** … in so many seconds. */
      readonly period: number
    }
  // Cookies and the session behind them
  | { readonly reason: 'session_missing' }
  | { readonly reason: 'cookie_duplicated'; readonly cookie: string }
  | { readonly reason: 'access_cookie_unreadable'; readonly why: string }
  | { readonly reason: 'refresh_cookie_malformed' }
  | { readonly reason: 'refresh_cookie_unknown' }
  | { readonly reason: 'refresh_cookie_reused' }
  | { readonly reason: 'session_unknown' }
  | { readonly reason: 'session_idle' }
  | { readonly reason: 'session_expired' }
  | { readonly reason: 'grant_revoked' }
  | { readonly reason: 'subject_changed' }
  | { readonly reason: 'provider_token_over' }
  | { readonly reason: 'session_revoked' }
  | { readonly reason: 'session_moved'; readonly what: readonly string[] }
  | { readonly reason: 'device_proof_missing' }
  | { readonly reason: 'device_proof_refused'; readonly check: DeviceCheck }
  | { readonly reason: 'device_binding_missing' }
  // Bearer tokens
  | { readonly reason: 'token_missing' }
  | { readonly reason: 'token_malformed' }
  | { readonly reason: 'token_in_query' }
  | { readonly reason: 'token_in_body' }
  | { readonly reason: 'credentials_several' }
  | { readonly reason: 'token_revoked' }
  | { readonly reason: 'token_refused'; readonly check: TokenCheck | SignatureCheck }
  // The route's rule
  | { readonly reason: 'caller_kind_refused' }
  | { readonly reason: 'scope_insufficient'; readonly missing: readonly string[] }
  | { readonly reason: 'claims_insufficient' }
  | { readonly reason: 'client_refused' }
  // What goes along to the origin
  | { readonly reason: 'exchange_refused' }
  | {
      readonly reason: 'authentication_insufficient'
      readonly acrValues: readonly string[]
      /** Seconds. */
      readonly maxAge: number | undefined
    }
  // Operators
  | { readonly reason: 'mark_unknown' }
  | { readonly reason: 'signing_key_unknown' }
  | { readonly reason: 'keys_in_custody' }
  /** From when on it is possible, in seconds. */
  | { readonly reason: 'rotation_too_early'; readonly from: number }
  // Events from others
  | { readonly reason: 'event_refused'; readonly check: EventCheck | SignatureCheck }
  // Requests that a proxy asks about
  | { readonly reason: 'original_refused'; readonly flaw: string }
  // Login
  | { readonly reason: 'return_to_foreign' }
  | { readonly reason: 'parameter_malformed'; readonly parameter: string }
  | { readonly reason: 'parameter_duplicated'; readonly parameter: string }
  | { readonly reason: 'state_missing' }
  | { readonly reason: 'state_unreadable'; readonly why: string }
  | { readonly reason: 'login_expired' }
  | { readonly reason: 'login_cookie_missing' }
  | { readonly reason: 'login_cookie_mismatch' }
  | { readonly reason: 'code_missing' }
  | { readonly reason: 'code_refused' }
  | { readonly reason: 'login_denied'; readonly error: string }
  | { readonly reason: 'response_issuer_mismatch' }
  | { readonly reason: 'id_token_missing' }
  | { readonly reason: 'id_token_refused'; readonly check: string }
  | { readonly reason: 'signature_refused'; readonly check: SignatureCheck }

/** Which of the checks on a JWS failed; `token/jws.ts` documents each. */
export type SignatureCheck =
  | 'size'
  | 'grammar'
  | 'base64url'
  | 'header'
  | 'critical'
  | 'algorithm'
  | 'type'
  | 'key_unknown'
  | 'key_distrusted'
  | 'key_ambiguous'
  | 'key_unfit'
  | 'signature'

/** Which of the checks on an access token failed, beyond its signature; `token/` documents each. */
export type TokenCheck =
  | 'issuer_unknown'
  | 'issuer'
  | 'audience'
  | 'claim_missing'
  | 'claim_malformed'
  | 'expired'
  | 'not_yet_valid'
  | 'issued_in_the_future'
  | 'lifetime'
  | 'sender_constrained'
  | 'encryption'
  | 'encryption_missing'
  | 'opaque'
  | 'inactive'

/** Which of the checks on a proof of a device failed; `token/device-proof.ts` and the session's object document each. */
export type DeviceCheck =
  | SignatureCheck
  | 'claim_missing'
  /** None of ours, an old one, or one that was used. */
  | 'challenge'
  /** The session has no key, or has one already. */
  | 'unbound'
  | 'bound'

/** Which of the checks on a security event failed, beyond its signature; `oidc/event-token.ts` documents each. */
export type EventCheck =
  | 'issuer'
  | 'audience'
  | 'nonce'
  | 'event'
  | 'claim_missing'
  | 'claim_malformed'
  | 'expired'
  | 'too_old'
  | 'issued_in_the_future'
  | 'replayed'

export type Reason = Denial['reason']

/** A value, or why there is none. */
export type Result<T> = Accepted<T> | Denied

export interface Accepted<T> {
  readonly ok: true
  readonly value: T
}

export interface Denied {
  readonly ok: false
  readonly denial: Denial
  /** The `WWW-Authenticate` that goes with it. */
  readonly challenge?: string
  /** Cookies that the answer carries all the same: the session was renewed on the way. */
  readonly cookies?: readonly string[]
}

export function accept<T>(value: T): Accepted<T> {
  return { ok: true, value }
}

export function deny(denial: Denial, challenge?: string): Denied {
  return challenge === undefined ? { ok: false, denial } : { ok: false, denial, challenge }
}
