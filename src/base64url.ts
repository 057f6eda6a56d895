/**
 * base64url without padding (RFC 4648 section 5), read strictly: one byte string has one spelling.
 * Lenient readers accept padding, white space and stray trailing bits, so that two different cookies or
 * tokens mean the same; every cache, denylist and comparison by text would then be wrong.
 */
const alphabet = /^[A-Za-z0-9_-]*$/

export function encodeBase64url(bytes: Uint8Array): string {
  let binary = ''
  // Spread in slices: one call with a long argument list overflows the stack.
  for (let start = 0; start < bytes.length; start += 8192) {
    binary += String.fromCharCode(...bytes.subarray(start, start + 8192))
  }
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** The bytes, or `undefined` where the text is not the one canonical spelling of any. */
export function decodeBase64url(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!alphabet.test(text) || text.length % 4 === 1) return undefined
  // attack: stray-base64-bits
  if (!lastCharacterIsCanonical(text)) return undefined
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  const bytes = new Uint8Array(binary.length)
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i)
  return bytes
}

const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** With two or three characters in the last group, its low 4 or 2 bits carry nothing and must be zero. */
function lastCharacterIsCanonical(text: string): boolean {
  const unused = text.length % 4 === 2 ? 0b1111 : text.length % 4 === 3 ? 0b11 : 0
  return unused === 0 || (digits.indexOf(text.charAt(text.length - 1)) & unused) === 0
}
