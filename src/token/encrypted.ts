/**
 * Encrypted tokens (RFC 7516): decrypted with the keys of the configuration, so that what is inside, a signed
 * token, can be verified. Decrypting proves nothing about the sender.
 *
 * Neither compression (a small token becomes gigabytes) nor passwords (PBES2) nor RSA1_5 (Bleichenbacher).
 * attack: compressed-token
 */
import { compactDecrypt, importJWK, type JWK } from 'jose'
import { decodeBase64url } from '../base64url.ts'
import { accept, deny, type Result } from '../denial.ts'
import { parseJsonObject } from './jws.ts'

/** One key of the configuration, imported for the one algorithm it serves. */
export interface DecryptionKey {
  readonly kid: string | undefined
  readonly algorithm: string
  readonly key: CryptoKey | Uint8Array
}

export interface DecryptionPolicy {
  readonly algorithms: readonly string[]
  readonly encryption: readonly string[]
}

const longest = 32_768
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The token inside. Every denial is `token_refused` with the check `size`, `grammar`, … or `encryption`. */
export async function decryptToken(
  token: string,
  keys: readonly DecryptionKey[],
  policy: DecryptionPolicy,
): Promise<Result<string>> {
  if (token.length > longest) return deny({ reason: 'token_refused', check: 'size' })
  const parts = token.split('.')
  if (parts.length !== 5) return deny({ reason: 'token_refused', check: 'grammar' })
  // attack: stray-base64-bits
  if (parts.some((part) => decodeBase64url(part) === undefined))
    return deny({ reason: 'token_refused', check: 'base64url' })
  const header = parseJsonObject(decodeBase64url(parts[0] ?? '') ?? new Uint8Array())
  if (header === undefined) return deny({ reason: 'token_refused', check: 'header' })
  if ('crit' in header) return deny({ reason: 'token_refused', check: 'critical' })
  const { alg, enc, kid } = header
  if (typeof alg !== 'string' || !policy.algorithms.includes(alg) || 'zip' in header)
    return deny({ reason: 'token_refused', check: 'encryption' })
  const candidates = keys.filter(
    (key) =>
      key.algorithm === alg && (kid === undefined || key.kid === undefined || key.kid === kid),
  )
  for (const { key } of candidates) {
    const inner = await decryptWith(token, key, alg, typeof enc === 'string' ? enc : '', policy)
    if (inner !== undefined) return accept(inner)
  }
  return deny({ reason: 'token_refused', check: 'encryption' })
}

async function decryptWith(
  token: string,
  key: CryptoKey | Uint8Array,
  alg: string,
  enc: string,
  policy: DecryptionPolicy,
): Promise<string | undefined> {
  if (!policy.encryption.includes(enc)) return undefined
  try {
    const { plaintext } = await compactDecrypt(token, key, {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: [enc],
    })
    return utf8.decode(plaintext)
  } catch {
    // Another key, a forged tag, no UTF-8 inside: all the same to the sender, who must not learn which.
    return undefined
  }
}

/** Imports a private or symmetric JWK (JSON) for each algorithm it can serve; what WebCrypto refuses is left out. */
export async function importDecryptionKey(json: string): Promise<readonly DecryptionKey[]> {
  const jwk = JSON.parse(json) as JWK
  const algorithm = jwk.kty === 'RSA' ? 'RSA-OAEP-256' : jwk.kty === 'oct' ? 'dir' : 'ECDH-ES'
  if (jwk.alg !== undefined && jwk.alg !== algorithm) return []
  try {
    const key = await importJWK({ ...jwk, alg: algorithm }, algorithm, { extractable: false })
    return [{ kid: jwk.kid, algorithm, key }]
  } catch {
    // `config/parse-issuer.ts` has checked the form; a coordinate that is not on its curve ends here.
    return []
  }
}
