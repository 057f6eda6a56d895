/**
 * A key in custody as a signer: what comes back is verified with the key that is published, every time.
 *
 * A custodian may sign with something else than was published: a version that was mixed up, a key that was deleted
 * and made anew under its name, an answer that was damaged. Origins would then refuse everybody, and nobody here
 * would know why. A verification costs a tenth of a millisecond beside a request over the network; verified at
 * the first signature only, a key that changes later would be missed. attack: signature-by-another-key
 */
import { importJWK } from 'jose'
import { Fault } from '../../fault.ts'
import type { AssertionAlgorithm, Signer } from '../signer.ts'
import type { CustodyApi, CustodyKey } from './custodian.ts'

const webCryptoNames = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const satisfies Record<AssertionAlgorithm, object>

/** Throws `Fault`; `custody_malformed` where the signature is not one by the key. */
export function verifiedSigner(api: Pick<CustodyApi, 'sign'>, key: CustodyKey): Signer {
  let publicKey: CryptoKey | undefined
  return {
    kid: key.kid,
    alg: key.alg,
    async sign(data) {
      const signature = await api.sign(key, data)
      publicKey ??= await importPublic(key)
      if (!(await crypto.subtle.verify(webCryptoNames[key.alg], publicKey, signature, data)))
        throw new Fault(
          'custody_malformed',
          `a signature by ${key.name} does not verify with the public key that was read before`,
        )
      return signature
    },
  }
}

async function importPublic({ alg, publicJwk, name }: CustodyKey): Promise<CryptoKey> {
  const key = await importJWK(publicJwk, alg)
  if (key instanceof CryptoKey) return key
  throw new Fault('custody_malformed', `${name} is not a public key`)
}
