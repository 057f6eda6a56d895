/**
 * The words that several parts of the configuration share.
 */
import { oneOf, table, text } from './field.ts'

export const identifier = text(
  /^[a-z][a-z0-9-]{0,31}$/,
  'must be a short name: a-z, 0-9, -, at most 32 characters',
)
export const binding = text(
  /^[A-Za-z_][A-Za-z0-9_]{0,63}$/,
  'must be the name of a binding or secret',
)
export const anyText = text(/^.{1,2048}$/s, 'must be text')
export const scope = text(
  /^[\x21\x23-\x5B\x5D-\x7E]{1,256}$/,
  'must be a scope token (RFC 6749 section 3.3)',
)
export const httpUrl = text(
  /^https?:\/\/[^\s?#]+$/,
  'must be an http(s) URL without query or fragment',
)
export const secretReference = table({ secret: binding })

/** Asymmetric signatures only: an HMAC key would be known to everybody who verifies. */
export const signatureAlgorithm = oneOf([
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
])

/** What our own keys sign with: what every library of an origin knows. */
export const assertionAlgorithm = oneOf(['ES256', 'EdDSA', 'RS256'])

export const clientAuthMethod = oneOf([
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'none',
])
