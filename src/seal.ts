/**
 * Authenticated encryption for what we hand to others to keep (cookies, `state`) and for what we store.
 *
 * AES-256-GCM; one key for each site and purpose, derived by HKDF-SHA-256 from `SEAL_KEYS` (newest
 * seals, any opens). Site and purpose are bound twice: in the key derivation and, length-prefixed, in the
 * additional data. The expiry is inside: a cookie's own `Max-Age` is only the browser's promise.
 *
 * Layout: version (1 byte), key id (4), nonce (12), ciphertext and tag; base64url. The plaintext is the
 * expiry (float64, seconds) and JSON.
 */
import { decodeBase64url, encodeBase64url } from './base64url.ts'

/** What a sealed value is for; a value sealed for one purpose opens for no other. */
export type SealPurpose =
  | 'access'
  | 'login'
  | 'session'
  | 'signing-key'
  | 'device-registration'
  | 'device-challenge'

export type Opened<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly why: 'malformed' | 'key_unknown' | 'forged' | 'expired' }

/** The expiry of what is kept at rest: its own rules say when it is over, and deleting it ends it. */
export const atRest = Number.MAX_SAFE_INTEGER

const version = 1
const headerBytes = 17
const utf8 = new TextEncoder()
const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** One of `SEAL_KEYS`, imported for derivation only. */
interface RootKey {
  readonly id: Uint8Array
  readonly key: CryptoKey
}

export class Seal {
  readonly #roots: readonly RootKey[]
  /** Derived keys by root, site and purpose: bounded by the configuration, not by requests. */
  readonly #derived = new Map<string, CryptoKey>()

  private constructor(roots: readonly RootKey[]) {
    this.#roots = roots
  }

  /** `keys`: at least one, each of 32 bytes or more, newest first. */
  static async fromKeys(keys: readonly Uint8Array<ArrayBuffer>[]): Promise<Seal> {
    if (keys.length === 0) throw new TypeError('a Seal needs at least one key')
    return new Seal(
      await Promise.all(
        keys.map(async (bytes) => ({
          // Four bytes name the key without telling anything about it.
          id: new Uint8Array(
            await crypto.subtle.digest('SHA-256', concat(utf8.encode('sallyport key id'), bytes)),
          ).slice(0, 4),
          key: await crypto.subtle.importKey('raw', bytes, 'HKDF', false, ['deriveKey']),
        })),
      ),
    )
  }

  /** Seals a JSON value for one site and purpose; it opens until `expiresAt` (seconds). */
  async seal(
    site: string,
    purpose: SealPurpose,
    value: unknown,
    expiresAt: number,
  ): Promise<string> {
    const root = this.#roots[0]
    if (root === undefined) throw new TypeError('a Seal needs at least one key')
    const body = utf8.encode(JSON.stringify(value))
    const plain = new Uint8Array(8 + body.length)
    new DataView(plain.buffer).setFloat64(0, expiresAt)
    plain.set(body, 8)
    // A random 96-bit nonce: a derived key seals far fewer than 2^32 values in its life.
    const nonce = crypto.getRandomValues(new Uint8Array(12))
    const cipher = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: context(site, purpose) },
      await this.#key(root, site, purpose),
      plain,
    )
    return encodeBase64url(concat(Uint8Array.of(version), root.id, nonce, new Uint8Array(cipher)))
  }

  /** Opens what `seal` made for the same site and purpose. The shape of the value is the caller's to check. */
  async open(
    site: string,
    purpose: SealPurpose,
    sealed: string,
    now: number,
  ): Promise<Opened<unknown>> {
    const bytes = decodeBase64url(sealed)
    if (bytes === undefined || bytes.length < headerBytes + 8 + 16 || bytes[0] !== version) {
      return { ok: false, why: 'malformed' }
    }
    const root = this.#roots.find(({ id }) => id.every((byte, i) => byte === bytes[i + 1]))
    if (root === undefined) return { ok: false, why: 'key_unknown' }
    const plain = await this.#decrypt(root, site, purpose, bytes)
    if (plain === undefined) return { ok: false, why: 'forged' }
    // attack: seal-without-expiry
    if (!(now < new DataView(plain).getFloat64(0))) return { ok: false, why: 'expired' }
    return { ok: true, value: JSON.parse(text.decode(new Uint8Array(plain, 8))) }
  }

  /** Whether the newest key sealed it: what an older one sealed is lost once that one is dropped. */
  isNewest(sealed: string): boolean {
    const bytes = decodeBase64url(sealed)
    return this.#roots[0]?.id.every((byte, i) => byte === bytes?.[i + 1]) === true
  }

  async #decrypt(
    root: RootKey,
    site: string,
    purpose: SealPurpose,
    bytes: Uint8Array<ArrayBuffer>,
  ): Promise<ArrayBuffer | undefined> {
    const key = await this.#key(root, site, purpose)
    // attack: seal-for-another-site
    const algorithm = {
      name: 'AES-GCM',
      iv: bytes.subarray(5, headerBytes),
      additionalData: context(site, purpose),
    }
    try {
      return await crypto.subtle.decrypt(algorithm, key, bytes.subarray(headerBytes))
    } catch {
      // WebCrypto says OperationError for every bad tag, and nothing more is to be learnt.
      return undefined
    }
  }

  async #key(root: RootKey, site: string, purpose: SealPurpose): Promise<CryptoKey> {
    const name = `${root.id.join('.')} ${purpose} ${site}`
    const known = this.#derived.get(name)
    if (known !== undefined) return known
    const derived = await crypto.subtle.deriveKey(
      { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(0), info: context(site, purpose) },
      root.key,
      { name: 'AES-GCM', length: 256 },
      false,
      ['encrypt', 'decrypt'],
    )
    this.#derived.set(name, derived)
    return derived
  }
}

/** The version, site and purpose, each with its length, so that no two triples share an encoding. */
function context(site: string, purpose: SealPurpose): Uint8Array<ArrayBuffer> {
  const parts = ['sallyport seal 1', site, purpose].map((part) => utf8.encode(part))
  return concat(
    ...parts.flatMap((part) => [Uint8Array.of(part.length >> 8, part.length & 255), part]),
  )
}

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0))
  let at = 0
  for (const part of parts) {
    whole.set(part, at)
    at += part.length
  }
  return whole
}
