/**
 * What an operator may write under `ISSUERS`: who signs the tokens that routes accept, and how they are checked.
 */
import { duration, flag, freeTable, list, oneOf, optional, type Parsed, table } from './field.ts'
import {
  anyText,
  clientAuthMethod,
  httpUrl,
  identifier,
  secretReference,
  signatureAlgorithm,
} from './words.ts'

const decryption = table({
  keys: list(secretReference, 1),
  algorithms: optional(list(oneOf(['RSA-OAEP-256', 'ECDH-ES', 'dir']), 1), ['RSA-OAEP-256']),
  encryption: optional(list(oneOf(['A256GCM', 'A256CBC-HS512']), 1), ['A256GCM']),
  required: optional(flag(), false),
})

const introspection = table({
  endpoint: optional(httpUrl, undefined),
  client_id: anyText,
  client_auth: optional(clientAuthMethod, 'client_secret_basic'),
  client_secret: optional(secretReference, undefined),
  private_key: optional(secretReference, undefined),
  cache: optional(duration(1, 3600), 10),
  signed_with: optional(signatureAlgorithm, undefined),
})

export const issuer = table({
  id: identifier,
  issuer: httpUrl,
  algorithms: optional(list(signatureAlgorithm, 1), []),
  type: optional(oneOf(['at+jwt', 'any']), 'at+jwt'),
  discovery: optional(oneOf(['openid', 'oauth']), 'openid'),
  jwks_uri: optional(httpUrl, undefined),
  keys: optional(list(freeTable(), 1), undefined),
  distrusted_keys: optional(list(anyText), []),
  stale_keys: optional(duration(60, 2_592_000), 86_400),
  cool_down: optional(duration(5, 3600), 30),
  max_lifetime: optional(duration(10, 2_592_000), 86_400),
  clock_skew: optional(duration(1, 60), 5),
  timeout: optional(duration(1, 30), 5),
  decryption: optional(decryption, undefined),
  introspection: optional(introspection, undefined),
})

export type WrittenIssuer = Parsed<typeof issuer>
