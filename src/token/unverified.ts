/**
 * What a token says of itself before anything is verified: hints for which configured issuer and which keys to
 * have at hand. A hint selects among what the configuration allows and proves nothing.
 */
import { decodeBase64url } from '../base64url.ts'
import { parseJsonObject } from './jws.ts'

/** Whether the text has the form of a signed token: three parts. */
export function looksSigned(token: string): boolean {
  return token.split('.').length === 3
}

/** Whether the text has the form of an encrypted token: five parts. */
export function looksEncrypted(token: string): boolean {
  return token.split('.').length === 5
}

/** `kid` of the header. */
export function unverifiedKid(token: string): string | undefined {
  return member(token, 0, 'kid')
}

/** `iss` of the payload. */
export function unverifiedIssuer(token: string): string | undefined {
  return member(token, 1, 'iss')
}

function member(token: string, part: number, name: string): string | undefined {
  const bytes = decodeBase64url(token.split('.')[part] ?? '')
  const value = bytes === undefined ? undefined : parseJsonObject(bytes)?.[name]
  return typeof value === 'string' ? value : undefined
}
