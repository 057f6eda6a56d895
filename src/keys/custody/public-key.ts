/**
 * The public key that a custodian gives → the key as it is published.
 */
import { calculateJwkThumbprint, exportJWK, importSPKI, type JWK } from 'jose'
import { decodeBase64url } from '../../base64url.ts'
import { Fault } from '../../fault.ts'
import type { AssertionAlgorithm } from '../signer.ts'
import type { CustodyKey } from './custodian.ts'

/** RFC 7518 section 3.3: 2048 bits. */
const leastModulusBytes = 256

/** SPKI in PEM. Throws `Fault` (`custody_malformed`) where it is no key for the algorithm. */
export async function custodyKeyOfPem(
  name: string,
  alg: AssertionAlgorithm,
  pem: string,
  createdAt?: number,
): Promise<CustodyKey> {
  try {
    const jwk = await exportJWK(await importSPKI(pem, alg, { extractable: true }))
    return await custodyKeyOfJwk(name, alg, jwk, createdAt)
  } catch (error) {
    if (error instanceof Fault) throw error
    throw new Fault('custody_malformed', `${name} has no public key for ${alg}`, { cause: error })
  }
}

/** As above, from the members of a JWK. */
export async function custodyKeyOfJwk(
  name: string,
  alg: AssertionAlgorithm,
  jwk: JWK,
  createdAt?: number,
): Promise<CustodyKey> {
  if (alg === 'RS256' && (decodeBase64url(jwk.n ?? '')?.length ?? 0) < leastModulusBytes)
    throw new Fault('custody_malformed', `${name} is an RSA key of less than 2048 bits`)
  const kid = await calculateJwkThumbprint(jwk)
  return { name, kid, alg, publicJwk: { ...jwk, kid, alg, use: 'sig' }, createdAt }
}

export function pemOf(base64: string): string {
  return `-----BEGIN PUBLIC KEY-----\n${base64}\n-----END PUBLIC KEY-----`
}
