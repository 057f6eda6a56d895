/**
 * Tokens as they are presented to origins: as bearer tokens, or with a proof for each request (RFC 9449 section 7).
 */
import { SignJWT } from 'jose'
import { sha256 } from '../digest.ts'
import { importProofKey, publicPartOf } from './dpop.ts'
import type { OriginToken } from './token-for.ts'

/** A token at hand in the isolate. */
export interface SentToken {
  readonly text: string
  /** Signs the proofs that have to go along; `undefined` for a bearer token. */
  readonly prove: Prover | undefined
}

/** A `DPoP` header for one request. A proof is good once: who sends a request again signs again. */
export type Prover = (request: ProvenRequest) => Promise<string>

export interface ProvenRequest {
  readonly method: string
  /** As the origin sees it; query and fragment are left out. */
  readonly url: URL
  /** What the origin gave us to put in, if anything. */
  readonly nonce: string | undefined
  /** `jti`, never used before. */
  readonly id: string
  /** Seconds. */
  readonly now: number
}

/** Imports the key and hashes the token once, for all requests that it goes along with. */
export async function sentToken({ token, proofKey }: OriginToken): Promise<SentToken> {
  if (proofKey === undefined) return { text: token, prove: undefined }
  const key = await importProofKey(proofKey)
  const ath = await sha256(token)
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: publicPartOf(proofKey) }
  return {
    text: token,
    prove: ({ method, url, nonce, id, now }) =>
      new SignJWT({
        jti: id,
        htm: method,
        htu: url.origin + url.pathname,
        iat: now,
        // A proof for one token proves nothing with another. attack: proof-of-another
        ath,
        ...(nonce === undefined ? {} : { nonce }),
      })
        .setProtectedHeader(header)
        .sign(key),
  }
}
