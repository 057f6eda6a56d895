/**
 * What a route lets pages do, parsed.
 */

/** Which pages of other origins may read a route's answers (Fetch, "CORS protocol"). */
export interface CorsPolicy {
  /** As in an `Origin` header; `*` for every page. */
  readonly origins: ReadonlySet<string> | '*'
  /** Ready for `Access-Control-Allow-Methods`; the next two likewise. */
  readonly methods: string
  readonly headers: string
  readonly expose: string
  readonly credentials: boolean
  /** Seconds for which a browser remembers a preflight. */
  readonly maxAge: number
}

/** Who may cause requests to a route, by fetch metadata. `off`: anybody. */
export type Isolation = 'off' | 'same_site' | 'same_origin'

/** What answers of a route say to browsers where the origin says nothing of its own. */
export interface PageHeaders {
  /** With every answer. */
  readonly always: ReadonlyMap<string, string>
  /** With pages. */
  readonly pages: ReadonlyMap<string, string>
  /** `frame-ancestors` and its sources. */
  readonly frameAncestors: string
  /** The same for browsers that do not know it, where it can be said to them. */
  readonly frameOptions: 'DENY' | 'SAMEORIGIN' | undefined
  /** `{nonce}` stands where the nonce of the answer goes; `undefined` for no policy beyond `frameAncestors`. */
  readonly contentSecurityPolicy: string | undefined
  readonly needsNonce: boolean
}
