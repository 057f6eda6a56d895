/**
 * What the gateway needs from outside.
 */
import type { Upstreams } from '../http/upstreams.ts'
import type { AssertionCache } from '../keys/assertion.ts'
import type { SigningKeys } from '../keys/signing-key.ts'
import type { SessionServices } from '../session/authenticate.ts'

export interface GatewayServices extends SessionServices {
  readonly signingKeys: SigningKeys
  readonly upstreams: Upstreams
  readonly assertions: AssertionCache
  /** So many random bytes, as base64url. */
  readonly random: (bytes: number) => string
}
