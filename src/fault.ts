/**
 * What is thrown when something is broken: ours, the provider's, an origin's, that of a custodian of keys. A fault is never the
 * caller's doing and never says 401; `http/refuse.ts` maps its kind to a 5xx answer without detail, the
 * log gets the cause.
 */
export type FaultKind =
  | 'configuration'
  | 'provider_unreachable'
  | 'provider_slow'
  | 'provider_failed'
  | 'provider_malformed'
  | 'provider_misconfigured'
  | 'upstream_unreachable'
  | 'upstream_slow'
  | 'upstream_idle'
  | 'upstream_misconfigured'
  | 'upstream_proof_refused'
  | 'custody_unreachable'
  | 'custody_refused'
  | 'custody_malformed'
  | 'storage_failed'
  | 'revocation_unknown'
  | 'internal'

export class Fault extends Error {
  override readonly name = 'Fault'
  readonly kind: FaultKind

  /** `detail` is ours alone, for the log: never a third party's text, never a token. */
  constructor(kind: FaultKind, detail: string, options?: { cause?: unknown }) {
    super(`${kind}: ${detail}`, options)
    this.kind = kind
  }
}
