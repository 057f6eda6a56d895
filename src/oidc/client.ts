/**
 * Our registration at a provider, in oauth4webapi's terms.
 */
import { importJWK, type JWK } from 'jose'
import {
  allowInsecureRequests,
  type Client,
  type ClientAuth,
  ClientSecretBasic,
  ClientSecretPost,
  clockTolerance,
  customFetch,
  None,
  PrivateKeyJwt,
} from 'oauth4webapi'
import type { Provider, Site } from '../config/config.ts'
import type { Publisher, Registration } from '../config/issuer.ts'
import { Fault } from '../fault.ts'
import type { Outbound } from './outbound.ts'

/** Seconds by which a provider's clock and ours may differ. */
const skew = 5

/** The provider of a site that has sessions. Throws `Fault` (`configuration`) for one that has none. */
export function providerOf(site: Site): Provider {
  if (site.provider !== undefined) return site.provider
  throw new Fault('configuration', `site ${site.id} has no provider`)
}

export function clientOf(provider: Provider): Client {
  return {
    client_id: provider.clientId,
    // The one algorithm, pinned by configuration, never taken from the token.
    id_token_signed_response_alg: provider.idTokenAlgorithm,
    [clockTolerance]: skew,
  }
}

/** Throws `Fault` (`configuration`) where the private key cannot be used. */
export async function clientAuthOf({ clientAuth: auth }: Registration): Promise<ClientAuth> {
  switch (auth.method) {
    case 'client_secret_basic':
      return ClientSecretBasic(auth.secret.reveal())
    case 'client_secret_post':
      return ClientSecretPost(auth.secret.reveal())
    case 'private_key_jwt':
      return PrivateKeyJwt(await importPrivateKey(auth.privateKey.reveal()))
    case 'none':
      return None()
  }
}

async function importPrivateKey(json: string): Promise<{ key: CryptoKey; kid?: string }> {
  try {
    const jwk = JSON.parse(json) as JWK
    const key = await importJWK(jwk, jwk.alg, { extractable: false })
    if (!(key instanceof CryptoKey) || key.type !== 'private')
      throw new TypeError('not a private key')
    return jwk.kid === undefined ? { key } : { key, kid: jwk.kid }
  } catch {
    // The cause is not kept: it could quote the key.
    throw new Fault('configuration', 'private_key is not a private JWK with an "alg"')
  }
}

/**
 * Every request of oauth4webapi goes out by the outbound port. Plain http is for a provider on loopback only
 * (`config/parse-provider.ts`, `config/parse-issuer.ts`).
 */
export function httpOptions(
  party: Pick<Publisher, 'timeout' | 'insecure'>,
  outbound: Outbound,
): {
  [customFetch]: (url: string, init: RequestLike) => Promise<Response>
  // oxlint-disable-next-line typescript/no-deprecated -- so marked to stand out; see above
  [allowInsecureRequests]: boolean
} {
  return {
    [customFetch]: (url, { method, headers, body }) =>
      outbound(party, url, { method, headers, body: body ?? undefined }),
    // oxlint-disable-next-line typescript/no-deprecated -- so marked to stand out; see above
    [allowInsecureRequests]: party.insecure,
  }
}

interface RequestLike {
  readonly method: string
  readonly headers: Record<string, string>
  readonly body?: string | URLSearchParams | undefined | null
}
