/**
 * The answer to a refusal, for any server: 401 with the bare challenge of RFC 6750 section 3.1, or 503 where the keys
 * cannot be had, each as problem+json (RFC 9457). Which check failed is for the log: the caller did not
 * make the assertion, and `error="invalid_token"` would have it throw away a token that is good.
 */
import type { Refusal } from './assertion.ts'

export interface RefusalAnswer {
  readonly status: 401 | 503
  readonly headers: Readonly<Record<string, string>>
  /** JSON. */
  readonly body: string
}

export function answerTo({ reason }: Refusal): RefusalAnswer {
  const isOurs = reason === 'keys_unavailable'
  const status = isOurs ? 503 : 401
  return {
    status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(isOurs ? { 'retry-after': '5' } : { 'www-authenticate': 'Bearer' }),
    },
    body: JSON.stringify({
      title: isOurs ? 'Service Unavailable' : 'Unauthorized',
      status,
      reason,
    }),
  }
}
