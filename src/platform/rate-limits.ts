/**
 * The platform's rate limiting bindings: counters in the isolate's own location, asked without a way over the network.
 */
import type { RateLimits } from '../http/rate-limit.ts'
import type { Log } from '../log.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'

/** Seconds for which an isolate does not repeat that a binding fails. */
const quiet = 60

export function rateLimitsOf(env: Environment, log: Log): RateLimits {
  const toldAt = new Map<string, number>()
  return {
    async count({ id, binding }, key) {
      try {
        const { success } = await (env[binding] as RateLimit).limit({ key })
        return success
      } catch (error) {
        const now = secondsNow()
        if (now - (toldAt.get(id) ?? 0) >= quiet) {
          toldAt.set(id, now)
          const cause = error instanceof Error ? error.name : undefined
          log('warn', 'rate_limit.unavailable', { limit: id, cause })
        }
        return true
      }
    },
  }
}
