/**
 * DPoP (RFC 9449) at the provider: a key of ours, shown with every request for tokens, to which it binds what it gives.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK } from 'jose'
import { DPoP, type DPoPHandle, isDPoPNonceError, type TokenEndpointResponse } from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import { Fault } from '../fault.ts'
import { clientOf } from './client.ts'

/**
 * A P-256 key as a private JWK (RFC 7518 section 6.2): it has to be kept as long as what is bound to it, and is sealed
 * with it.
 */
export interface ProofKey {
  readonly kty: 'EC'
  readonly crv: 'P-256'
  readonly x: string
  readonly y: string
  readonly d: string
}

/** A new key, where the provider is to bind tokens to one. */
export async function proofKeyFor({ dpop }: Provider): Promise<ProofKey | undefined> {
  return dpop ? makeProofKey() : undefined
}

export async function makeProofKey(): Promise<ProofKey> {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const { x = '', y = '', d = '' } = await exportJWK(privateKey)
  return { kty: 'EC', crv: 'P-256', x, y, d }
}

/** `jkt` (RFC 9449 section 6.1): the SHA-256 thumbprint. */
export function thumbprintOf(key: ProofKey): Promise<string> {
  return calculateJwkThumbprint({ ...publicPartOf(key) })
}

export function publicPartOf({ kty, crv, x, y }: ProofKey): Omit<ProofKey, 'd'> {
  return { kty, crv, x, y }
}

/** To sign with; it leaves the isolate no more. */
export async function importProofKey(key: ProofKey): Promise<CryptoKey> {
  return cryptoKeyOf(await importJWK({ ...key }, 'ES256', { extractable: false }))
}

/** For oauth4webapi: the same for all attempts of one request, since it remembers the nonce. */
export async function proofsBy(
  provider: Provider,
  key: ProofKey | undefined,
): Promise<{ DPoP?: DPoPHandle }> {
  if (key === undefined) return {}
  const publicKey = cryptoKeyOf(
    await importJWK({ ...publicPartOf(key) }, 'ES256', { extractable: true }),
  )
  return { DPoP: DPoP(clientOf(provider), { privateKey: await importProofKey(key), publicKey }) }
}

function cryptoKeyOf(key: CryptoKey | Uint8Array): CryptoKey {
  if (key instanceof CryptoKey) return key
  throw new Fault('storage_failed', 'a key for proofs cannot be read')
}

/**
 * `ask`, and once more where the provider wants its nonce in the proof: the library has it by then.
 *
 * That sends a code or refresh token twice, and spends it once: the proof is judged first, and one that is refused for
 * its nonce (RFC 9449 section 8) is answered before the grant is looked at. Nothing else is asked again here.
 * attack: refresh-token-sent-again
 */
export async function withNonce<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (!isDPoPNonceError(error)) throw error
    return ask()
  }
}

/**
 * Throws `Fault` where a token is not of the kind that was asked for. A bearer token in the place of a bound one works
 * for whoever steals it; a bound one without its key is no use. attack: dpop-downgrade attack: bound-token-as-bearer
 */
export function checkTokenType(
  { token_type: type }: TokenEndpointResponse,
  key: ProofKey | undefined,
  step: string,
): void {
  if (type === (key === undefined ? 'bearer' : 'dpop')) return
  throw new Fault(
    'provider_misconfigured',
    key === undefined
      ? `${step}: the provider gives a token that is bound to a key, and was shown none: see "dpop"`
      : `${step}: the provider gives a bearer token, where "dpop" wants one that is bound to our key`,
  )
}
