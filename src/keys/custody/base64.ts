/**
 * base64 (RFC 4648 section 4), as the APIs of custodians write bytes, by way of our strict base64url.
 */
import { decodeBase64url, encodeBase64url } from '../../base64url.ts'

export function encodeBase64(bytes: Uint8Array): string {
  const unpadded = encodeBase64url(bytes).replaceAll('-', '+').replaceAll('_', '/')
  return unpadded.padEnd(Math.ceil(unpadded.length / 4) * 4, '=')
}

/** The bytes, or `undefined` where the text is not the padded spelling of any. */
export function decodeBase64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || /[-_]/.test(text)) return undefined
  return decodeBase64url(
    text
      .replace(/={1,2}$/, '')
      .replaceAll('+', '-')
      .replaceAll('/', '_'),
  )
}
