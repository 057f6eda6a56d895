/**
 * SHA-256 and the comparison of secrets.
 */
import { encodeBase64url } from './base64url.ts'

const utf8 = new TextEncoder()

/** SHA-256 of the text's UTF-8, as base64url: 43 characters. */
export async function sha256(text: string): Promise<string> {
  return encodeBase64url(await sha256OfBytes(utf8.encode(text)))
}

/** SHA-256: 32 bytes. */
export async function sha256OfBytes(bytes: Uint8Array): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
}

/**
 * Whether two texts are equal, in time that does not depend on where they differ. Both must be present:
 * the types refuse `undefined`, so that a missing state never equals a missing cookie.
 */
export function equalSecrets(a: string, b: string): boolean {
  // attack: absence-equals-absence
  if (a.length === 0 || b.length === 0) return false
  if (a.length !== b.length) return false
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}
