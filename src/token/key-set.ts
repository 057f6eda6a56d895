/**
 * A JSON Web Key Set of a signer (RFC 7517), reduced to the keys that can verify.
 *
 * Refused: private and symmetric keys (a published secret is no secret, and an `oct` key would turn a
 * public value into an HMAC key), RSA below 2048 bits or with a degenerate exponent, keys of the ROCA family,
 * and a `kid` that stands twice for one algorithm.
 */
import { importJWK, type JWK } from 'jose'
import { decodeBase64url } from '../base64url.ts'

export type Selected =
  | { readonly ok: true; readonly key: VerificationKey }
  | {
      readonly ok: false
      readonly why: 'key_unknown' | 'key_distrusted' | 'key_ambiguous' | 'key_unfit'
    }

export interface VerificationKey {
  readonly jwk: Readonly<JWK>
  readonly kid: string | undefined
}

/** More keys than this is no honest key set. */
const mostKeys = 100

export class KeySet {
  readonly #keys: readonly VerificationKey[]
  readonly #imported = new Map<VerificationKey, Map<string, CryptoKey>>()

  readonly #strong = new Map<VerificationKey, boolean>()
  readonly #distrusted: ReadonlySet<string>

  private constructor(keys: readonly VerificationKey[], distrusted: ReadonlySet<string>) {
    this.#keys = keys
    this.#distrusted = distrusted
  }

  /**
   * Reads a parsed JWKS document; `undefined` where it is not one. Members that are no keys are left out. The
   * `kid`s that are distrusted verify nothing.
   */
  static parse(document: unknown, distrusted: ReadonlySet<string> = new Set()): KeySet | undefined {
    if (typeof document !== 'object' || document === null || !('keys' in document)) return undefined
    const { keys } = document
    if (!Array.isArray(keys) || keys.length > mostKeys) return undefined
    return new KeySet(
      keys
        .filter(
          (key: unknown): key is JWK => typeof key === 'object' && key !== null && 'kty' in key,
        )
        .map((jwk) => ({ jwk, kid: typeof jwk.kid === 'string' ? jwk.kid : undefined })),
      distrusted,
    )
  }

  get kids(): readonly string[] {
    return this.#keys.flatMap(({ kid }) => kid ?? [])
  }

  /** Whether asking for the set anew can change nothing for a `kid`: it is here, or distrusted. */
  has(kid: string): boolean {
    return this.#distrusted.has(kid) || this.#keys.some((key) => key.kid === kid)
  }

  /** The one key for an algorithm and, where the token names one, a `kid`. */
  select(alg: string, kid: string | undefined): Selected {
    // attack: distrusted-key
    if (kid !== undefined && this.#distrusted.has(kid)) return { ok: false, why: 'key_distrusted' }
    const trusted = this.#keys.filter(
      (key) => key.kid === undefined || !this.#distrusted.has(key.kid),
    )
    const named = trusted.filter((key) => kid === undefined || key.kid === kid)
    const able = named.filter(({ jwk }) => serves(jwk, alg))
    const [key, second] = able
    // attack: duplicate-kid
    if (second !== undefined) return { ok: false, why: 'key_ambiguous' }
    if (key === undefined)
      return { ok: false, why: named.length > 0 && kid !== undefined ? 'key_unfit' : 'key_unknown' }
    return this.#isStrong(key) ? { ok: true, key } : { ok: false, why: 'key_unfit' }
  }

  /** Looked at once: what a key is made of does not change. */
  #isStrong(key: VerificationKey): boolean {
    const known = this.#strong.get(key)
    if (known !== undefined) return known
    const strong = isStrong(key.jwk)
    this.#strong.set(key, strong)
    return strong
  }

  /** The keys that verify nothing whoever asks, each with the reason: for the operator's log. */
  get refused(): readonly { readonly kid: string; readonly why: 'unfit' | 'duplicate' }[] {
    return this.#keys.flatMap(({ jwk, kid }) => {
      const others = this.#keys.filter((other) => kid !== undefined && other.kid === kid)
      if (others.length > 1 && others.some((other) => other.jwk !== jwk && overlap(other.jwk, jwk)))
        return { kid: kid ?? '', why: 'duplicate' as const }
      const fit = algorithms.some((alg) => serves(jwk, alg)) && isStrong(jwk)
      // A key for encryption is none of our concern.
      return fit || jwk.use === 'enc' ? [] : { kid: kid ?? '', why: 'unfit' as const }
    })
  }

  /** Imports for verification and keeps it; `undefined` where WebCrypto refuses the key. */
  async import(key: VerificationKey, alg: string): Promise<CryptoKey | undefined> {
    const known = this.#imported.get(key)?.get(alg)
    if (known !== undefined) return known
    try {
      const imported = await importJWK({ ...key.jwk, alg }, alg, { extractable: false })
      if (!(imported instanceof CryptoKey)) return undefined
      const byAlgorithm = this.#imported.get(key) ?? new Map<string, CryptoKey>()
      this.#imported.set(key, byAlgorithm.set(alg, imported))
      return imported
    } catch {
      // A malformed coordinate or modulus: the key is unfit, whoever published it.
      return undefined
    }
  }
}

/** Whether one algorithm could be verified with either. */
function overlap(a: Readonly<JWK>, b: Readonly<JWK>): boolean {
  return algorithms.some((alg) => serves(a, alg) && serves(b, alg))
}

const algorithms = ['RS', 'PS', 'ES']
  .flatMap((family) => ['256', '384', '512'].map((bits) => family + bits))
  .concat('EdDSA')

const curves: Readonly<Record<string, string>> = {
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
}

/** Whether the key's own words (`kty`, `crv`, `alg`, `use`, `key_ops`) allow it to verify this algorithm. */
function serves(jwk: Readonly<JWK>, alg: string): boolean {
  // attack: published-private-key
  if (jwk.d !== undefined || jwk.k !== undefined) return false
  if (jwk.alg !== undefined && jwk.alg !== alg && !(alg === 'EdDSA' && jwk.alg === 'Ed25519'))
    return false
  if (jwk.use !== undefined && jwk.use !== 'sig') return false
  if (jwk.key_ops !== undefined && !(Array.isArray(jwk.key_ops) && jwk.key_ops.includes('verify')))
    return false
  if (alg.startsWith('RS') || alg.startsWith('PS')) return jwk.kty === 'RSA'
  return jwk.kty === (alg === 'EdDSA' ? 'OKP' : 'EC') && jwk.crv === curves[alg]
}

/** attack: weak-key */
function isStrong(jwk: Readonly<JWK>): boolean {
  if (jwk.kty !== 'RSA') return true
  const modulus = integer(jwk.n)
  const exponent = integer(jwk.e)
  if (modulus === undefined || exponent === undefined) return false
  const bits = modulus.toString(2).length
  if (bits < 2048 || bits > 8192 || modulus % 2n === 0n) return false
  // Odd, at least 65537 or the old 3 and 17, and small enough that verifying stays cheap.
  if (exponent < 3n || exponent % 2n === 0n || exponent > 0xffff_ffffn) return false
  return !isRoca(modulus)
}

function integer(encoded: unknown): bigint | undefined {
  const bytes = typeof encoded === 'string' ? decodeBase64url(encoded) : undefined
  if (bytes === undefined || bytes.length === 0 || bytes.length > 2048) return undefined
  return BigInt(`0x${[...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`)
}

/**
 * ROCA (CVE-2017-15361): the flawed library's moduli are, modulo each small prime, a power of 65537. A random
 * modulus passes all these tests with a probability below 2^-27.
 */
function isRoca(modulus: bigint): boolean {
  return rocaPrimes.every((prime) => {
    const residue = Number(modulus % BigInt(prime))
    let power = 1
    for (let i = 0; i < prime; i++) {
      if (power === residue) return true
      power = (power * 65_537) % prime
    }
    return false
  })
}

/** Primes for which 65537 generates a proper subgroup, so that the test says something. */
const rocaPrimes = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]
