/**
 * What the gateway needs from outside.
 */
import type { NonceTags } from '../http/page-headers.ts'
import type { Upstreams } from '../http/upstreams.ts'
import type { RenewedCache } from '../renewed-cache.ts'
import type { SigningKeys } from '../keys/signer.ts'
import type { LiveConnections } from '../revocation/connections.ts'
import type { SentToken } from '../oidc/origin-proof.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { SessionServices } from '../session/authenticate.ts'
import type { TimedCache } from '../timed-cache.ts'
import type { BearerServices } from './bearer-caller.ts'

/** To know who calls. */
export interface CallerServices extends SessionServices, BearerServices {
  readonly revocations: Revocations
}

export interface GatewayServices extends CallerServices {
  readonly signingKeys: SigningKeys
  readonly upstreams: Upstreams
  readonly connections: LiveConnections
  /** Assertions that still hold. */
  readonly assertions: RenewedCache<string>
  /** Tokens for origins, by site, caller and target. */
  readonly originTokens: TimedCache<SentToken>
  /** Tokens of the sites' own, by site and target. */
  readonly ownTokens: RenewedCache<SentToken>
  /** What origins want in the next proof, by origin (RFC 9449 section 9). */
  readonly originNonces: TimedCache<string>
  readonly nonceTags: NonceTags
  /** So many random bytes, as base64url. */
  readonly random: (bytes: number) => string
}
