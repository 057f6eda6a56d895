/** Signs for a site: with a key in the isolate, or one that never leaves its custodian. */
export type AssertionAlgorithm = 'ES256' | 'EdDSA' | 'RS256'
export interface Signer {
  readonly kid: string
  readonly alg: AssertionAlgorithm
  /** The raw JWS signature of the bytes (RFC 7515; ES256 is r||s, RFC 7518 section 3.4). Throws `Fault`. */
  sign(data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}
