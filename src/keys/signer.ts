/**
 * Who signs for a site. The key may be one that this isolate opened, or live elsewhere and sign by call: whoever needs a
 * signature asks a `Signer`, and nobody but its maker knows where the key is.
 */
import type { Site } from '../config/config.ts'

export type AssertionAlgorithm = Site['assertion']['algorithm']

export interface Signer {
  readonly kid: string
  readonly alg: AssertionAlgorithm
  /** The signature as it stands in a JWS (RFC 7518 section 3, RFC 8037 section 3.1): of ES256, r and s side by side. */
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}

/** The port to who signs for a site now, at hand in the isolate after its first use. */
export interface SigningKeys {
  current(site: Site): Promise<Signer>
}

const webCrypto = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const satisfies Record<AssertionAlgorithm, object>

/** Signs with a key of this isolate. */
export function signerWith(kid: string, alg: AssertionAlgorithm, key: CryptoKey): Signer {
  return {
    kid,
    alg,
    sign: async (data) => new Uint8Array(await crypto.subtle.sign(webCrypto[alg], key, data)),
  }
}
