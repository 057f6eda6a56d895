/**
 * Assertions that still hold, in the isolate: bounded, the oldest go first.
 */
import type { AssertionCache } from '../keys/assertion.ts'

const most = 5000

export function assertionCache(): AssertionCache {
  const kept = new Map<string, { readonly assertion: string; readonly expiresAt: number }>()
  return {
    get(key, now) {
      const entry = kept.get(key)
      return entry !== undefined && now < entry.expiresAt ? entry.assertion : undefined
    },
    set(key, assertion, expiresAt) {
      kept.delete(key)
      if (kept.size >= most) {
        const [oldest] = kept.keys()
        if (oldest !== undefined) kept.delete(oldest)
      }
      kept.set(key, { assertion, expiresAt })
    },
  }
}
