/**
 * `RATE_LIMITS`, and the references to them in sites and routes.
 */
import type { Report } from './field.ts'
import type { RateLimit, RouteLimit, SiteLimits } from './rate-limit.ts'
import type { WrittenRateLimit, WrittenRoute, WrittenSite } from './schema.ts'
import type { Env } from './secrets.ts'

export function parseRateLimits(
  written: readonly WrittenRateLimit[],
  env: Env,
  report: Report,
): readonly RateLimit[] {
  return written.map(({ id, binding, limit, period }, i) => {
    const path = `RATE_LIMITS[${i}]`
    // One binding counts to one number: two descriptions of it cannot both be true.
    if (written.findIndex((other) => other.binding === binding) !== i)
      report(`${path}.binding`, `${binding} is the binding of another limit`)
    // A limit that silently does not exist is worse than a deployment that says so.
    if (!isLimiter(env[binding])) {
      report(
        `${path}.binding`,
        `names the binding ${binding}, which this Worker does not have: ` +
          `[[ratelimits]] with name = "${binding}", a namespace_id, and ` +
          `simple = { limit = ${limit}, period = ${period.slice(0, -1)} }`,
      )
    }
    return Object.freeze({ id, binding, limit, period: Number(period.slice(0, -1)) })
  })
}

export function parseSiteLimits(
  { rate_limits: written }: WrittenSite,
  path: string,
  limits: readonly RateLimit[],
  report: Report,
): SiteLimits {
  const named = (id: string | undefined, key: string) =>
    id === undefined ? undefined : limitNamed(id, `${path}.rate_limits.${key}`, limits, report)
  const entries = Object.entries(written).map(([key, id]) => [key, named(id, key)])
  return Object.freeze(Object.fromEntries(entries) as SiteLimits)
}

export function parseRouteLimit(
  { rate_limit: written, access }: WrittenRoute,
  path: string,
  limits: readonly RateLimit[],
  report: Report,
): RouteLimit | undefined {
  if (written === undefined) return undefined
  if (written.per === 'caller' && access === 'public')
    report(`${path}.rate_limit.per`, 'is "caller", and the route knows none: "address"')
  const limit = limitNamed(written.limit, `${path}.rate_limit.limit`, limits, report)
  return limit === undefined ? undefined : { limit, per: written.per }
}

function limitNamed(
  id: string,
  path: string,
  limits: readonly RateLimit[],
  report: Report,
): RateLimit | undefined {
  const known = limits.map((limit) => limit.id).join(', ') || 'none'
  return (
    limits.find((limit) => limit.id === id) ??
    report(path, `names no rate limit; RATE_LIMITS has: ${known}`)
  )
}

function isLimiter(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'limit' in value
}
