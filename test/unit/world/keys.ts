/** Signers, and tokens as their owners and their forgers make them. */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

import { encodeBase64url } from '../../../src/base64url.ts'

export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
  readonly privateJwk: JWK
}

export async function makeSigner(alg: string, kid: string): Promise<Signer> {
  const pair = await generateKeyPair(alg, { extractable: true })
  return {
    alg,
    kid,
    privateKey: pair.privateKey,
    publicJwk: { ...(await exportJWK(pair.publicKey)), kid, alg, use: 'sig' },
    privateJwk: { ...(await exportJWK(pair.privateKey)), kid, alg, use: 'sig' },
  }
}

export function sign(
  signer: Signer,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: signer.alg, kid: signer.kid, ...header })
    .sign(signer.privateKey)
}

/** The base64url of a value's JSON. */
export function encode(value: unknown): string {
  return encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
}

/** A token whose signature is whatever it is. */
export function forge(header: unknown, claims: unknown, signature = 'AAAA'): string {
  return `${encode(header)}.${encode(claims)}.${signature}`
}

/** A token with another header and the signature of the old one. */
export function withHeader(token: string, header: unknown): string {
  const [, payload, signature] = token.split('.')
  return `${encode(header)}.${payload!}.${signature!}`
}

/** The JSON in one part of a token: 0 is the header, 1 the payload. */
export function partOf(token: string, part: 0 | 1): Record<string, unknown> {
  const text = Buffer.from(token.split('.')[part]!, 'base64url').toString()
  return JSON.parse(text) as Record<string, unknown>
}
