/**
 * What the login endpoints need from outside.
 */
import type { Outbound } from '../oidc/outbound.ts'
import type { ProviderDirectory } from '../oidc/provider-documents.ts'
import type { Revocations } from '../revocation/revocations.ts'
import type { Devices } from '../session/devices.ts'
import type { SessionServices } from '../session/authenticate.ts'

export interface LoginServices extends SessionServices {
  readonly directory: ProviderDirectory
  readonly outbound: Outbound
  readonly revocations: Revocations
  readonly devices: Devices
  /** So many random bytes, as base64url. */
  readonly random: (bytes: number) => string
}
