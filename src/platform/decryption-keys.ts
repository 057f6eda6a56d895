/**
 * The decryption keys of issuers for this isolate, imported once.
 */
import type { Issuer } from '../config/issuer.ts'
import { type DecryptionKey, importDecryptionKey } from '../token/encrypted.ts'

const imported = new WeakMap<Issuer, readonly DecryptionKey[]>()

export async function decryptionKeysOf(issuer: Issuer): Promise<readonly DecryptionKey[]> {
  const known = imported.get(issuer)
  if (known !== undefined) return known
  const keys = await Promise.all(
    (issuer.decryption?.keys ?? []).map((secret) => importDecryptionKey(secret.reveal())),
  )
  imported.set(issuer, keys.flat())
  return keys.flat()
}
