/**
 * A site's signing key: made once, kept sealed, published as a JWK, used by isolates that open the seal.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import type { Site } from '../config/config.ts'
import { atRest, type Seal } from '../seal.ts'
import type { SigningKey } from './assertion.ts'

/** The port to a site's key, at hand in the isolate after its first use. */
export interface SigningKeys {
  current(site: Site): Promise<SigningKey>
}

/** As stored and as sent to isolates: nothing secret in the clear. */
export interface StoredKey {
  readonly kid: string
  readonly alg: 'ES256'
  readonly publicJwk: JWK
  readonly sealedPrivateKey: string
  /** Seconds. */
  readonly createdAt: number
}

export async function generateSigningKey(
  site: string,
  seal: Seal,
  now: number,
): Promise<StoredKey> {
  // Extractable this once, to be sealed; every import afterwards is not.
  const pair = await generateKeyPair('ES256', { extractable: true })
  const publicKey = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicKey)
  return {
    kid,
    alg: 'ES256',
    publicJwk: { ...publicKey, kid, alg: 'ES256', use: 'sig' },
    sealedPrivateKey: await seal.seal(
      site,
      'signing-key',
      await exportJWK(pair.privateKey),
      atRest,
    ),
    createdAt: now,
  }
}

/** The key, ready to sign; `undefined` where no seal key opens it. */
export async function openSigningKey(
  site: string,
  seal: Seal,
  stored: StoredKey,
  now: number,
): Promise<SigningKey | undefined> {
  const opened = await seal.open(site, 'signing-key', stored.sealedPrivateKey, now)
  if (!opened.ok) return undefined
  const privateKey = await importJWK(opened.value as JWK, stored.alg, { extractable: false })
  return privateKey instanceof CryptoKey
    ? { kid: stored.kid, alg: stored.alg, privateKey }
    : undefined
}
