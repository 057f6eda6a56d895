/**
 * A compact JWS, a key set and a policy in; the payload's bytes or a denial out (RFC 7515, 7518, 8725).
 *
 * Every signature that Sallyport accepts passes here. The verification itself is jose's on WebCrypto; what
 * jose leaves open is closed first: strict base64url, the algorithm from the policy and never from the
 * header, keys that are fit, one candidate only. `jku`, `x5u`, `x5c` and `jwk` in the header are not looked at.
 */
import { compactVerify } from 'jose'
import { decodeBase64url } from '../base64url.ts'
import { accept, deny, type Denied, type Result, type SignatureCheck } from '../denial.ts'
import type { KeySet } from './key-set.ts'

export interface JwsPolicy {
  /** The algorithms that the configuration pins for this signer; never empty. */
  readonly algorithms: readonly string[]
  /** Media types that `typ` may have, without `application/`, lower case; `undefined` asks for none. */
  readonly types?: readonly string[]
  /** Media types that `typ` must not have: those of tokens for another purpose. */
  readonly otherTypes?: readonly string[]
  /** Longest accepted token, in characters. */
  readonly maxLength?: number
}

export interface Verified {
  readonly header: Readonly<Record<string, unknown>>
  readonly payload: Uint8Array
  /** `kid` of the key that verified it, whether the token names it or not. */
  readonly keyId: string | undefined
}

const longest = 16_384
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
const supported: ReadonlySet<string> = new Set([
  ...['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512'],
  ...['ES256', 'ES384', 'ES512', 'EdDSA'],
])

/** Never throws: whatever the token and keys are, the answer is bytes or the check that failed. */
export async function verifyJws(
  token: string,
  keys: KeySet,
  policy: JwsPolicy,
): Promise<Result<Verified>> {
  if (token.length > (policy.maxLength ?? longest)) return refuse('size')
  const parts = token.split('.')
  if (parts.length !== 3 || parts.some((part) => part === '')) return refuse('grammar')
  // attack: stray-base64-bits
  if (parts.some((part) => decodeBase64url(part) === undefined)) return refuse('base64url')
  const header = parseHeader(parts[0] ?? '')
  if (header === undefined) return refuse('header')
  // No extension is understood, `b64` included. attack: critical-header-ignored
  if ('crit' in header || 'b64' in header) return refuse('critical')

  const { alg, kid, typ } = header
  // attack: algorithm-from-the-header
  if (typeof alg !== 'string' || !supported.has(alg) || !policy.algorithms.includes(alg)) {
    return refuse('algorithm')
  }
  if (kid !== undefined && typeof kid !== 'string') return refuse('header')
  if (typ !== undefined && typeof typ !== 'string') return refuse('header')
  // attack: token-type-confusion
  if (policy.types !== undefined && !policy.types.includes(mediaType(typ))) return refuse('type')
  if (policy.otherTypes?.includes(mediaType(typ)) === true) return refuse('type')

  const selected = keys.select(alg, kid)
  if (!selected.ok) return refuse(selected.why)
  const imported = await keys.import(selected.key, alg)
  if (imported === undefined) return refuse('key_unfit')
  try {
    const { payload } = await compactVerify(token, imported, { algorithms: [alg] })
    return accept({ header, payload, keyId: selected.key.kid })
  } catch {
    // Everything else has been checked: what is left is that the signature does not verify.
    return refuse('signature')
  }
}

function refuse(check: SignatureCheck): Denied {
  return deny({ reason: 'signature_refused', check })
}

function parseHeader(encoded: string): Readonly<Record<string, unknown>> | undefined {
  const bytes = decodeBase64url(encoded)
  return bytes === undefined ? undefined : parseJsonObject(bytes)
}

/** A JSON object from UTF-8 bytes, or `undefined`. */
export function parseJsonObject(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(utf8.decode(bytes))
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    // Not UTF-8, or not JSON: either way not an object.
    return undefined
  }
}

/** `typ` without the optional prefix, lower case (RFC 7515 section 4.1.9); empty where absent. */
function mediaType(typ: string | undefined): string {
  if (typ === undefined) return ''
  return typ.toLowerCase().replace(/^application\//, '')
}
