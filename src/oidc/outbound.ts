/**
 * How OpenID Connect reaches a provider. `platform/outbound.ts` implements the port: configured hosts, https,
 * no redirects, bounded in time and size; it throws `Fault`, never anything of the provider's.
 */
import type { Publisher } from '../config/issuer.ts'

export type Outbound = (
  party: Pick<Publisher, 'timeout' | 'insecure'>,
  url: string,
  init: OutboundRequest,
) => Promise<Response>

export interface OutboundRequest {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams | undefined
}
