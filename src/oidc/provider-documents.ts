/**
 * What a provider or issuer publishes about itself: its metadata and its keys.
 *
 * Fetching is pure protocol over the outbound port; who fetches when, and where copies are kept, is
 * `platform/issuer-object.ts` (authority), KV (copy) and `platform/issuer-documents.ts` (isolate).
 */
import { type AuthorizationServer, discoveryRequest, processDiscoveryResponse } from 'oauth4webapi'
import type { Publisher } from '../config/issuer.ts'
import { Fault } from '../fault.ts'
import { KeySet } from '../token/key-set.ts'
import { httpOptions } from './client.ts'
import { providerFault } from './failure.ts'
import type { Outbound } from './outbound.ts'

/** Metadata that was checked to be the issuer's. */
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

/** The port to the documents at hand. Both throw `Fault` where they cannot be had. */
export interface ProviderDirectory {
  metadata(publisher: Publisher): Promise<AuthorizationServer>
  /** The key set; one that holds `kid`, if the publisher has it. */
  keys(publisher: Publisher, kid: string | undefined): Promise<KeySet>
  /** The key set, where this isolate has one that needs no renewal. */
  keysAtHand(publisher: Publisher): KeySet | undefined
}

/** Fetches both documents. Throws `Fault` of a `provider_*` kind. */
export async function fetchDocuments(
  publisher: Publisher,
  outbound: Outbound,
  now: number,
  known: ProviderDocuments | undefined,
): Promise<ProviderDocuments> {
  const metadata = await metadataOf(publisher, outbound)
  const jwksUri = metadata.jwks_uri
  if (jwksUri === undefined) throw new Fault('provider_malformed', 'discovery names no jwks_uri')
  const etag = known?.metadata.jwks_uri === jwksUri ? known.jwksEtag : null
  const headers = { accept: 'application/jwk-set+json, application/json' }
  const response = await outbound(publisher, jwksUri, {
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

/** A key set that is named by the configuration needs no metadata. */
async function metadataOf(publisher: Publisher, outbound: Outbound): Promise<AuthorizationServer> {
  const { documents, issuer } = publisher
  if (typeof documents === 'object') return { issuer, jwks_uri: documents.jwksUri }
  try {
    const url = new URL(issuer)
    const response = await discoveryRequest(url, {
      algorithm: documents === 'oauth' ? 'oauth2' : 'oidc',
      ...httpOptions(publisher, outbound),
    })
    const metadata = await processDiscoveryResponse(url, response)
    // attack: issuer-mix-up
    if (metadata.issuer !== issuer)
      throw new Fault('provider_malformed', 'discovery names another issuer')
    return metadata
  } catch (error) {
    throw providerFault(error, 'discovery')
  }
}
