/**
 * The one place that makes random values (besides the nonces of `seal.ts`).
 */
import { encodeBase64url } from '../base64url.ts'

export function randomBytes(length: number): Uint8Array<ArrayBuffer> {
  return crypto.getRandomValues(new Uint8Array(length))
}

export function randomText(bytes: number): string {
  return encodeBase64url(randomBytes(bytes))
}
