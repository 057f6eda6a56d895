/**
 * `RATE_LIMITS` against `[[ratelimits]]`: the binding counts to what wrangler.toml says, and the Worker cannot read
 * it there; it tells callers what `RATE_LIMITS` repeats.
 */
import type { ConfigProblem } from '../src/config/field.ts'
import type { RateLimit } from '../src/config/rate-limit.ts'
import type { RateLimitBinding } from './local-worker.ts'

export function compareRateLimits(
  limits: readonly RateLimit[],
  bindings: readonly RateLimitBinding[],
): readonly ConfigProblem[] {
  const differing = limits.flatMap(({ binding, limit, period }, i) => {
    const path = `RATE_LIMITS[${i}]`
    const bound = bindings.find(({ name }) => name === binding)?.simple
    if (bound === undefined) return []
    return [
      ...(bound.limit === limit
        ? []
        : [{ path: `${path}.limit`, mend: `is ${limit}; [[ratelimits]] has ${bound.limit}` }]),
      ...(bound.period === period
        ? []
        : [{ path: `${path}.period`, mend: `is ${period}s; [[ratelimits]] has ${bound.period}` }]),
    ]
  })
  const shared = bindings.filter(
    ({ namespace_id: id }, i) => bindings.findIndex((other) => other.namespace_id === id) !== i,
  )
  return [
    ...differing,
    ...shared.map(({ name, namespace_id: id }) => ({
      path: `[[ratelimits]] ${name}`,
      mend: `has the namespace_id of another binding (${id}): they would count together`,
    })),
  ]
}
