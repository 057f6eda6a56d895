/**
 * What a provider publishes about itself: its discovery document and its keys.
 *
 * Fetching is pure protocol over the outbound port; who fetches when, and where copies are kept, is
 * `platform/issuer-object.ts` (authority), KV (copy) and `platform/issuer-documents.ts` (isolate).
 */
import { type AuthorizationServer, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import { Fault } from '../fault.ts'
import { KeySet } from '../token/key-set.ts'
import { httpOptions } from './client.ts'
import { providerFault } from './failure.ts'
import type { Outbound } from './outbound.ts'

/** A discovery document that was checked to be the issuer's. */
export type ProviderMetadata = AuthorizationServer

/** The documents as they travel between object, KV and isolate: JSON, with the time they were read. */
export interface ProviderDocuments {
  readonly metadata: AuthorizationServer
  readonly jwks: unknown
  /** `ETag` of the key set, to ask with `If-None-Match`. */
  readonly jwksEtag: string | null
  /** Seconds. */
  readonly fetchedAt: number
}

/** Gives the documents of a provider. Throws `Fault` where they cannot be had. */
export interface ProviderDirectory {
  metadata(provider: Provider): Promise<AuthorizationServer>
  /** The key set; one that holds `kid`, if the provider publishes it. */
  keys(provider: Provider, kid: string | undefined): Promise<KeySet>
}

/** Fetches both documents. Throws `Fault` of a `provider_*` kind. */
export async function fetchDocuments(
  provider: Provider,
  outbound: Outbound,
  now: number,
  known: ProviderDocuments | undefined,
): Promise<ProviderDocuments> {
  const metadata = await fetchMetadata(provider, outbound)
  const jwksUri = metadata.jwks_uri
  if (jwksUri === undefined) throw new Fault('provider_malformed', 'discovery names no jwks_uri')
  const etag = known?.metadata.jwks_uri === jwksUri ? known.jwksEtag : null
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await outbound(provider, jwksUri, {
    headers: etag === null ? headers : { ...headers, 'if-none-match': etag },
  })
  if (response.status === 304 && known !== undefined) return { ...known, metadata, fetchedAt: now }
  if (response.status !== 200)
    throw new Fault('provider_failed', `jwks_uri answered ${response.status}`)
  const jwks: unknown = await response.json().catch((cause: unknown) => {
    throw new Fault('provider_malformed', 'the key set is not JSON', { cause })
  })
  if (KeySet.parse(jwks) === undefined)
    throw new Fault('provider_malformed', 'the key set is not a JWKS')
  return { metadata, jwks, jwksEtag: response.headers.get('etag'), fetchedAt: now }
}

async function fetchMetadata(provider: Provider, outbound: Outbound): Promise<AuthorizationServer> {
  try {
    const issuer = new URL(provider.issuer)
    const response = await discoveryRequest(issuer, {
      algorithm: 'oidc',
      ...httpOptions(provider, outbound),
    })
    const metadata = await processDiscoveryResponse(issuer, response)
    // attack: issuer-mix-up
    if (metadata.issuer !== provider.issuer)
      throw new Fault('provider_malformed', 'discovery names another issuer')
    return metadata
  } catch (error) {
    throw providerFault(error, 'discovery')
  }
}
