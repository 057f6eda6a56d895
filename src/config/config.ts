/**
 * The parsed configuration: frozen, with URLs, sets, tables and seconds, so that no request parses
 * anything. `parse.ts` is the only place that makes it.
 */
import type { SiteCustody } from './custody.ts'
import type { Issuer, Publisher, Registration } from './issuer.ts'
import type { TrustedProxy } from './proxy.ts'
import type { RateLimit, SiteLimits } from './rate-limit.ts'
import type { AccessRule } from './route.ts'
import type { RouteTable } from './route-table.ts'

export interface Config {
  readonly sites: readonly Site[]
  /** Sites by `host[:port]`, as it stands in a URL. */
  readonly siteByHost: ReadonlyMap<string, Site>
  readonly providers: readonly Provider[]
  readonly issuers: readonly Issuer[]
  readonly rateLimits: readonly RateLimit[]
  /** Newest first, each of at least 32 bytes. */
  readonly sealKeys: readonly Uint8Array<ArrayBuffer>[]
  readonly revocation: {
    /** Into so many objects the marks are spread. */
    readonly shards: number
  }
}

/** An OpenID provider, and our client registration at it. */
export interface Provider extends Publisher, Registration {
  readonly id: string
  readonly scopes: readonly string[]
  /** The one algorithm that signs ID tokens for this client. */
  readonly idTokenAlgorithm: string
  readonly responseMode: 'query' | 'form_post'
  readonly pushedRequests: 'when_offered' | 'required' | 'never'
  readonly userinfo: boolean
  /** Whether tokens are bound to keys of ours (RFC 9449). */
  readonly dpop: boolean
  /** Extra authorization parameters; none that Sallyport sets itself. */
  readonly parameters: ReadonlyMap<string, string>
}

/** One or more hosts that the Worker fronts; isolated cryptographically from every other site. */
export interface Site {
  readonly id: string
  readonly hosts: readonly string[]
  /** `undefined` for a site without browser sessions. */
  readonly provider: Provider | undefined
  readonly basePath: string
  /** Loopback hosts only: plain http is accepted. */
  readonly development: boolean
  readonly cookies: CookieProfile
  readonly session: {
    /** Seconds an access cookie lives. */
    readonly access: number
    /** Seconds without a renewal after which a session is over. */
    readonly idle: number
    /** Seconds after sign-in at which a session is over whatever happens. */
    readonly absolute: number
    /** Seconds for which a superseded refresh cookie is a request in flight, not a theft. */
    readonly grace: number
    /** Sessions of one person at the same time; beyond it the oldest ends. `undefined`: any number. */
    readonly most: number | undefined
    /** Whether sessions are bound to a key in the browser's device. */
    readonly deviceBound: 'off' | 'prefer' | 'require'
    /** What follows when a session turns up elsewhere; `undefined` where nothing does. */
    readonly whenMoved: PlacePolicy | undefined
  }
  readonly login: { readonly lifetime: number; readonly returnTo: string }
  readonly logout: { readonly returnTo: string }
  readonly assertion: AssertionPolicy
  /** Further header names, folded, that no client may send to an origin. */
  readonly identityHeaders: ReadonlySet<string>
  readonly routes: RouteTable
  /** Who may act as an operator of the site; `undefined` where nobody may. */
  readonly operator: AccessRule | undefined
  /** Whose shared signals are heard, and under which name; `undefined` where none are. */
  readonly events: { readonly issuer: Issuer; readonly audience: string } | undefined
  /** Who may ask about requests that they forward themselves. */
  readonly proxies: readonly TrustedProxy[]
  /** What is limited by address beside the routes. */
  readonly rateLimits: SiteLimits
  /** Seconds for which anything that a mark can end may be presented at the edge, and kept at all. */
  readonly longest: { readonly edge: number; readonly session: number }
}

/** What a site does when a session turns up in another place. */
export type WhenMoved = 'ignore' | 'note' | 'sign_in' | 'end'

export interface PlacePolicy {
  readonly country: WhenMoved
  readonly network: WhenMoved
  readonly browser: WhenMoved
}

/** How the site speaks to its origins. Times in seconds. */
export interface AssertionPolicy {
  readonly issuer: string
  readonly lifetime: number
  /** Of the keys that are made from now on. */
  readonly algorithm: 'ES256' | 'EdDSA' | 'RS256'
  readonly rotateEvery: number
  /** No isolate signs or publishes by older knowledge of the site's keys. */
  readonly keysBound: number
  /** The `max-age` of the published set. */
  readonly keysMaxAge: number
  /** For so long at most an origin keeps a set, whatever its `max-age` says. */
  readonly keysKept: number
  readonly overlap: Overlap
  /** Where the keys are that sign; `undefined` where the site makes and keeps its own. */
  readonly custody: SiteCustody | undefined
}

/** How long a key is published beyond the time in which it signs, in seconds. */
export interface Overlap {
  /** Before it signs: as long as any copy of a set without it can live. */
  readonly before: number
  /** After it signed: as long as isolates may go on with it, and what they sign may live. */
  readonly after: number
}

export interface CookieProfile {
  readonly access: string
  readonly refresh: string
  /** What the name of a login's cookie begins with; the login's id follows. */
  readonly login: string
  /** `; `-joined attributes that every cookie of the site carries, deletion included. */
  readonly attributes: string
}
