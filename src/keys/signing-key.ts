/**
 * A site's signing key: made once, kept sealed, published as a JWK, used by isolates that open the seal.
 */
import { calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { atRest, type Seal } from '../seal.ts'
import { type AssertionAlgorithm, type Signer, signerWith } from './signer.ts'

/** As stored and as sent to isolates: nothing secret in the clear. */
export interface StoredKey {
  readonly kid: string
  readonly alg: AssertionAlgorithm
  readonly publicJwk: JWK
  readonly sealedPrivateKey: string
  /** Seconds: from then on it is published. */
  readonly createdAt: number
}

export async function generateSigningKey(
  site: string,
  alg: AssertionAlgorithm,
  seal: Seal,
  now: number,
): Promise<StoredKey> {
  // Extractable this once, to be sealed; every import afterwards is not.
  const pair = await generateKeyPair(alg, { extractable: true })
  const publicKey = await exportJWK(pair.publicKey)
  const kid = await calculateJwkThumbprint(publicKey)
  return {
    kid,
    alg,
    publicJwk: { ...publicKey, kid, alg, use: 'sig' },
    sealedPrivateKey: await sealPrivate(site, seal, await exportJWK(pair.privateKey)),
    createdAt: now,
  }
}

/** Who signs with the key; `undefined` where no seal key opens it. */
export async function openSigningKey(
  site: string,
  seal: Seal,
  { kid, alg, sealedPrivateKey }: StoredKey,
  now: number,
): Promise<Signer | undefined> {
  const opened = await seal.open(site, 'signing-key', sealedPrivateKey, now)
  if (!opened.ok) return undefined
  const key = await importJWK(opened.value as JWK, alg, { extractable: false })
  return key instanceof CryptoKey ? signerWith(kid, alg, key) : undefined
}

/** The key under the newest seal key, so that older ones may be dropped; `undefined` where none opens it. */
export async function resealSigningKey<T extends StoredKey>(
  site: string,
  seal: Seal,
  stored: T,
  now: number,
): Promise<T | undefined> {
  // attack: signing-key-in-a-backup
  const opened = await seal.open(site, 'signing-key', stored.sealedPrivateKey, now)
  if (!opened.ok) return undefined
  if (seal.isNewest(stored.sealedPrivateKey)) return stored
  return { ...stored, sealedPrivateKey: await sealPrivate(site, seal, opened.value) }
}

function sealPrivate(site: string, seal: Seal, jwk: unknown): Promise<string> {
  return seal.seal(site, 'signing-key', jwk, atRest)
}
