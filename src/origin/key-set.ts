/**
 * A site's key set (RFC 7517), and the one key in it that may verify an assertion. Keys are imported once; what is
 * kept is the key and never a promise of it, since in Workers a promise belongs to the request that made it.
 */
import { type CryptoKey, importJWK, type JWK } from 'jose'

/** More keys than this is no honest key set. */
const mostKeys = 100

export type Selected =
  | { readonly ok: true; readonly jwk: Readonly<JWK> }
  | { readonly ok: false; readonly why: 'key_unknown' | 'key_unfit' }

export class KeySet {
  readonly #keys: readonly Readonly<JWK>[]
  readonly #imported = new Map<Readonly<JWK>, CryptoKey>()

  private constructor(keys: readonly Readonly<JWK>[]) {
    this.#keys = keys
  }

  /** `undefined` where the text is no key set. An empty one is: every key was withdrawn. */
  static parse(text: string): KeySet | undefined {
    try {
      const document: unknown = JSON.parse(text)
      if (typeof document !== 'object' || document === null || !('keys' in document))
        return undefined
      const { keys } = document
      if (!Array.isArray(keys) || keys.length > mostKeys) return undefined
      return new KeySet(
        keys.filter(
          (key: unknown): key is JWK => typeof key === 'object' && key !== null && 'kid' in key,
        ),
      )
    } catch {
      // Not JSON: an error page, perhaps.
      return undefined
    }
  }

  has(kid: string): boolean {
    return this.#keys.some((key) => key.kid === kid)
  }

  select(alg: string, kid: string): Selected {
    const named = this.#keys.filter((key) => key.kid === kid)
    if (named.length === 0) return { ok: false, why: 'key_unknown' }
    const [jwk, second] = named.filter((key) => serves(key, alg))
    // attack: duplicate-kid
    if (jwk === undefined || second !== undefined) return { ok: false, why: 'key_unfit' }
    return { ok: true, jwk }
  }

  /** `undefined` where WebCrypto refuses the key. */
  async import(jwk: Readonly<JWK>, alg: string): Promise<CryptoKey | undefined> {
    const known = this.#imported.get(jwk)
    if (known !== undefined) return known
    try {
      const imported = await importJWK({ ...jwk, alg }, alg, { extractable: false })
      // Bytes are what a secret is imported as.
      if (imported instanceof Uint8Array) return undefined
      this.#imported.set(jwk, imported)
      return imported
    } catch {
      // A malformed coordinate or modulus.
      return undefined
    }
  }
}

const kinds: Readonly<Record<string, { readonly kty: string; readonly crv: string | undefined }>> =
  {
    ES256: { kty: 'EC', crv: 'P-256' },
    EdDSA: { kty: 'OKP', crv: 'Ed25519' },
    RS256: { kty: 'RSA', crv: undefined },
  }

/** Whether the key's own words allow it to verify this algorithm. */
function serves(jwk: Readonly<JWK>, alg: string): boolean {
  const kind = kinds[alg]
  // attack: published-private-key
  if (kind === undefined || jwk.d !== undefined || jwk.k !== undefined) return false
  if (jwk.kty !== kind.kty || jwk.crv !== kind.crv) return false
  if (jwk.alg !== undefined && jwk.alg !== alg && !(alg === 'EdDSA' && jwk.alg === 'Ed25519'))
    return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  return jwk.key_ops === undefined || (Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify'))
}
