/**
 * An ECDSA signature on P-256 in DER, as the clouds give it (RFC 3279 section 2.2.3), → r||s, as a JWS carries it
 * (RFC 7518 section 3.4).
 *
 * Read strictly: one signature has one encoding. Readers that take long lengths, padded integers or bytes behind
 * the end have let through what others refuse (CVE-2024-42461), and one that took zero for r and s took
 * anything for a signature (CVE-2022-21449). attack: lenient-der
 */

const size = 32

/** The order of P-256's base point (FIPS 186-5, SP 800-186). */
const order = Uint8Array.from(
  'ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551'.match(/../g) ?? [],
  (byte) => Number.parseInt(byte, 16),
)

/** 64 bytes, or `undefined` where the bytes are not the one encoding of two numbers from 1 to the order less 1. */
export function p256FromDer(der: Uint8Array): Uint8Array<ArrayBuffer> | undefined {
  // SEQUENCE, its length in one byte: two integers of at most 33 bytes never need more.
  if (der[0] !== 0x30 || der[1] !== der.length - 2 || der.length > 0x7f) return undefined
  const r = readInteger(der, 2)
  const s = r === undefined ? undefined : readInteger(der, r.end)
  if (r === undefined || s === undefined || s.end !== der.length) return undefined
  const joined = new Uint8Array(2 * size)
  joined.set(r.bytes, size - r.bytes.length)
  joined.set(s.bytes, 2 * size - s.bytes.length)
  return joined
}

interface Read {
  /** Big-endian, without the sign byte. */
  readonly bytes: Uint8Array
  readonly end: number
}

function readInteger(der: Uint8Array, start: number): Read | undefined {
  const length = der[start + 1] ?? 0
  const end = start + 2 + length
  if (der[start] !== 0x02 || length === 0 || length > size + 1 || end > der.length) return undefined
  const content = der.subarray(start + 2, end)
  const [first = 0, second = 0] = content
  // Negative, or zero (whose one encoding is a zero byte).
  if (first > 0x7f || (first === 0 && length === 1)) return undefined
  // A zero byte in front stands only where the next bit would be the sign.
  if (first === 0 && second <= 0x7f) return undefined
  const bytes = first === 0 ? content.subarray(1) : content
  if (bytes.length > size || !isBelowOrder(bytes)) return undefined
  return { bytes, end }
}

function isBelowOrder(bytes: Uint8Array): boolean {
  if (bytes.length < size) return true
  const differs = bytes.findIndex((byte, i) => byte !== order[i])
  return differs !== -1 && (bytes[differs] ?? 0) < (order[differs] ?? 0)
}
