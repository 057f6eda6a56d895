/**
 * Limits on how often somebody may ask: what is counted, by whom, and how a refusal says so.
 *
 * They spare origins, providers and issuers. They authenticate nobody and protect no secret, so where nobody can
 * count, nobody is refused (`docs/decisions/0017-rate-limits.md`).
 */
import type { Site } from '../config/config.ts'
import type { EndpointLimit, RateLimit } from '../config/rate-limit.ts'
import { accept, type Denial, deny, type Result } from '../denial.ts'
import { sha256 } from '../digest.ts'
import { addressOf } from './address.ts'
import type { Visit } from './visit.ts'

/** The port to the platform's counters; `platform/rate-limits.ts` implements it. */
export interface RateLimits {
  /** Counts one request of the key; false where it is over the limit. True where nobody can count. */
  count(limit: RateLimit, key: string): Promise<boolean>
}

export interface LimitServices {
  readonly rateLimits: RateLimits
}

/** What is counted (an endpoint, a route), and whose it is. */
export interface Counted {
  readonly what: string
  readonly who: readonly string[]
}

/** `rate_limited` where the key has used up its requests. */
export async function checkLimit(
  { rateLimits }: LimitServices,
  site: Site,
  limit: RateLimit,
  { what, who }: Counted,
): Promise<Result<true>> {
  // One site's visitors never use up another's limit; no address and no name stands in a counter.
  // attack: limit-shared-by-sites
  const key = await sha256(JSON.stringify([site.id, what, ...who]))
  if (await rateLimits.count(limit, key)) return accept(true)
  const { id, limit: quota, period } = limit
  return deny({ reason: 'rate_limited', policy: id, quota, period })
}

/** By address, for what the site limits beside its routes. */
export async function checkSiteLimit(
  services: LimitServices,
  { site, request }: Visit,
  what: EndpointLimit,
): Promise<Result<true>> {
  const limit = site.rateLimits[what]
  if (limit === undefined) return accept(true)
  return checkLimit(services, site, limit, { what, who: ['address', addressOf(request)] })
}

/** Our endpoints by their path below the base path; what is below `/operator` is all one. */
const endpoints: ReadonlyMap<string, EndpointLimit> = new Map([
  ['/login', 'login'],
  ['/callback', 'callback'],
  ['/refresh', 'refresh'],
  ['/revoke', 'revoke'],
  ['/events', 'events'],
  ['/backchannel-logout', 'events'],
  ['/operator', 'operator'],
])

/** For a request below the base path, before anything is done for it. */
export async function checkEndpointLimit(
  services: LimitServices,
  visit: Visit,
): Promise<Result<true>> {
  const path = visit.url.pathname.slice(visit.site.basePath.length)
  const what = endpoints.get(path.startsWith('/operator/') ? '/operator' : path)
  return what === undefined ? accept(true) : checkSiteLimit(services, visit, what)
}

type RateLimited = Extract<Denial, { readonly reason: 'rate_limited' }>

/**
 * `Retry-After`, `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers-10). When the window ends the
 * counter does not say: after the whole period it has.
 */
export function limitFields({ policy, quota, period }: RateLimited): Record<string, string> {
  return {
    'retry-after': String(period),
    ratelimit: `"${policy}";r=0;t=${period}`,
    'ratelimit-policy': `"${policy}";q=${quota};w=${period}`,
  }
}
