/**
 * A route, parsed: who may pass, what lies behind, what goes along.
 */
import type { CorsPolicy, Isolation, PageHeaders } from './browser-policy.ts'
import type { Scalar } from './field.ts'
import type { Issuer } from './issuer.ts'
import type { RouteLimit } from './rate-limit.ts'

/** Path pattern + methods → access rule, upstream, what is forwarded. */
export interface Route {
  readonly path: string
  /** Capitals; `undefined` is every method. */
  readonly methods: ReadonlySet<string> | undefined
  /** Whether the last segment of a path may have `;parameters`. */
  readonly pathParameters: boolean
  readonly access: AccessRule
  readonly upstream: Upstream
  readonly forward: Forward
  readonly revocation: RevocationPolicy
  /** Whose word on caching holds where an answer is one person's: `private` is ours. */
  readonly cache: 'private' | 'origin'
  readonly cors: CorsPolicy | undefined
  readonly isolation: Isolation
  /** `undefined` where the origin's headers stand alone. */
  readonly pageHeaders: PageHeaders | undefined
  readonly rateLimit: RouteLimit | undefined
}

/** How soon a revocation must be seen on a route. */
export interface RevocationPolicy {
  /** Seconds: no decision is taken on older knowledge. */
  readonly bound: number
  /** What holds where nothing young enough can be had. */
  readonly whenUnsure: 'closed' | 'open'
  /** Whether the authority is asked on every request. */
  readonly strict: boolean
  /** Whether WebSockets and event streams end with the authority that opened them. */
  readonly watchConnections: boolean
}

/**
 * Who a request may come from. A bearer's token stands for a person, a machine's for the client itself (RFC 6749
 * section 4.4).
 */
export type CallerKind = 'anonymous' | 'session' | 'bearer' | 'machine'

/** Everything that is named must hold; one rule judges sessions, bearers and machines alike. */
export interface AccessRule {
  /** The kinds of caller that may pass; never empty. */
  readonly any: ReadonlySet<CallerKind>
  /** Whose tokens are accepted; empty where none are. */
  readonly issuers: readonly Issuer[]
  /** One of these must be in the token's `aud`; never empty where tokens are accepted. */
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly scopesAny: readonly string[]
  readonly claims: readonly Condition[]
  readonly claimsAny: readonly Condition[]
  readonly claimsNone: readonly Condition[]
  /** One of these is the caller's `acr`; empty asks for none. */
  readonly acr: readonly string[]
  /** Seconds since the person signed in at most. */
  readonly maxAge: number | undefined
  readonly clientIds: readonly string[]
}

/** A statement about one claim; every operator that is given must hold. */
export interface Condition {
  /** Member names from the outside in. */
  readonly path: readonly string[]
  readonly equals: Scalar | undefined
  /** The claim, or one of its elements, is one of these. */
  readonly any: readonly Scalar[] | undefined
  /** The claim is a list with all of these. */
  readonly all: readonly Scalar[] | undefined
  /** The claim is a list with this. */
  readonly contains: Scalar | undefined
  readonly present: boolean | undefined
  readonly min: number | undefined
  readonly max: number | undefined
}

/** `proxy`: a proxy of the site forwards, and asks about it (`gateway/verify.ts`). */
export type Upstream = Origin | { readonly kind: 'proxy' }

/** Where we forward to ourselves. */
export type Origin = OriginPolicy &
  (
    | {
        readonly kind: 'url'
        readonly url: URL
        /** The binding that shows our client certificate there; `undefined` where none is shown. */
        readonly certificate: string | undefined
      }
    | { readonly kind: 'service'; readonly binding: string }
    | {
        readonly kind: 'assets'
        readonly binding: string
        /** What a person gets who navigates to a path without an asset: the page of a single-page app. */
        readonly fallback: string | undefined
      }
  )

export interface OriginPolicy {
  /**
   * Seconds until the headers of the answer: connecting and the upload are in it. A binding, which is reached without a
   * network, has none unless it is stated.
   */
  readonly timeout: number | undefined
  /** Seconds in which something of a body must move; `undefined` where bodies take their time. */
  readonly idle: number | undefined
  /** How often a safe request is sent again where the origin could not answer. */
  readonly retry: number
}

export type Forward =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'assertion'
      readonly audience: string
      readonly header: 'Authorization' | 'Sallyport-Assertion'
      readonly claims: readonly string[]
    }
  /** The token by which the caller may call: the provider's for a session, its own for a bearer. */
  | { readonly kind: 'access_token' }
  /** A token for the origin, in exchange for that one (RFC 8693). */
  | { readonly kind: 'exchange'; readonly target: TokenTarget }
  /** A token of the site's own (RFC 6749 section 4.4), whoever calls. */
  | { readonly kind: 'client_credentials'; readonly target: TokenTarget }

/** For whom a token is asked, and what it shall allow. */
export interface TokenTarget {
  readonly audience: string | undefined
  /** RFC 8707. */
  readonly resource: string | undefined
  /** `bearer`: bound to no key, for an origin that cannot check proofs. */
  readonly downgrade: 'bearer' | undefined
  readonly scopes: readonly string[]
}
