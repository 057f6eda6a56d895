/**
 * `SITES[].assertion` → how a site signs, and for how long its keys overlap.
 */
import type { AssertionPolicy, Overlap } from './config.ts'
import type { Report } from './field.ts'
import type { WrittenSite } from './schema.ts'

/** Seconds for what is under way: clocks, an answer on the network, a signer that lives elsewhere. */
const margin = 5
/** Seconds by which an origin may let a token live beyond its `exp`. */
const leeway = 60

export function parseAssertion(
  written: WrittenSite['assertion'],
  { issuer, custody }: Pick<AssertionPolicy, 'issuer' | 'custody'>,
  path: string,
  report: Report,
): AssertionPolicy {
  const { lifetime, algorithm, rotate_every: rotateEvery } = written
  const { keys_bound: keysBound, keys_max_age: keysMaxAge, keys_kept: keysKept } = written
  const overlap: Overlap = {
    // An isolate's knowledge, then caches on the way, then the origin's copy: one may come after the other.
    before: keysBound + keysMaxAge + keysKept + margin,
    after: keysBound + lifetime + leeway + margin,
  }
  if (keysKept < keysMaxAge) {
    report(
      `${path}.keys_kept`,
      `(${keysKept} s) must not be less than keys_max_age (${keysMaxAge} s), which allows origins that much`,
    )
  }
  if (rotateEvery < 2 * overlap.before) {
    report(
      `${path}.rotate_every`,
      `(${rotateEvery} s) must be at least ${2 * overlap.before} s: twice the ${overlap.before} s for which a key is published before it signs (keys_bound + keys_max_age + keys_kept + ${margin} s)`,
    )
  }
  return {
    issuer,
    lifetime,
    algorithm,
    rotateEvery,
    keysBound,
    keysMaxAge,
    keysKept,
    overlap,
    custody,
  }
}
