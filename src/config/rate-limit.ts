/**
 * Rate limits, parsed: which binding of the platform counts, and what is counted by it.
 */

/** A binding that counts. What it allows is fixed in `[[ratelimits]]`; it is repeated here to be told to callers. */
export interface RateLimit {
  /** Names it in the configuration, in logs and in the `RateLimit` fields. */
  readonly id: string
  readonly binding: string
  /** So many requests of one key … */
  readonly limit: number
  /** … in so many seconds. */
  readonly period: number
}

/** What a site can limit by address besides its routes. */
export type EndpointLimit =
  | 'login'
  | 'callback'
  | 'refresh'
  | 'revoke'
  | 'introspection'
  | 'events'
  | 'operator'

export type SiteLimits = Readonly<Record<EndpointLimit, RateLimit | undefined>>

export interface RouteLimit {
  readonly limit: RateLimit
  /** An anonymous caller is counted by address. */
  readonly per: 'caller' | 'address'
}
