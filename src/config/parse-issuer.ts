/**
 * `ISSUERS[]` → `Issuer`.
 */
import { decodeBase64url } from '../base64url.ts'
import type { Report } from './field.ts'
import type { Decryption, Introspection, Issuer, Publisher } from './issuer.ts'
import type { WrittenIssuer } from './issuer-schema.ts'
import { isLoopback } from './loopback.ts'
import { type Env, parseClientAuth, secretNamed } from './secrets.ts'

export function parseIssuer(
  written: WrittenIssuer,
  path: string,
  env: Env,
  report: Report,
): Issuer {
  const url = URL.parse(written.issuer)
  const insecure = url?.protocol === 'http:'
  if (url === null || (insecure && !isLoopback(url.hostname))) {
    report(`${path}.issuer`, 'must be an https URL; plain http is for an issuer on localhost only')
  }
  checkUrl(written.jwks_uri, `${path}.jwks_uri`, insecure, report)
  if (written.keys !== undefined && written.jwks_uri !== undefined) {
    report(`${path}.keys`, 'and jwks_uri are two places for one key set: give one')
  }
  if (written.algorithms.length === 0 && written.introspection === undefined) {
    report(
      `${path}.algorithms`,
      'is required, or introspection: else no token of the issuer can pass',
    )
  }
  for (const [i, key] of (written.keys ?? []).entries())
    checkPinned(key, `${path}.keys[${i}]`, report)
  return Object.freeze({
    id: written.id,
    publisher: `issuer ${written.id}`,
    issuer: written.issuer,
    ...documentsOf(written),
    timeout: written.timeout,
    insecure,
    coolDown: written.cool_down,
    staleFor: written.stale_keys,
    distrustedKeys: new Set(written.distrusted_keys),
    algorithms: written.algorithms,
    types: written.type === 'any' ? undefined : [written.type],
    pinnedKeys: written.keys === undefined ? undefined : { keys: written.keys },
    clockSkew: written.clock_skew,
    maxLifetime: written.max_lifetime,
    decryption: parseDecryption(written, path, env, report),
    introspection: parseIntrospection(written, insecure, path, env, report),
  })
}

function documentsOf(written: WrittenIssuer): Pick<Publisher, 'documents' | 'documentsName'> {
  const { issuer, jwks_uri, discovery } = written
  if (jwks_uri !== undefined)
    return { documents: { jwksUri: jwks_uri }, documentsName: `${issuer} ${jwks_uri}` }
  return { documents: discovery, documentsName: discovery === 'oauth' ? `${issuer} oauth` : issuer }
}

function checkUrl(
  written: string | undefined,
  path: string,
  insecure: boolean,
  report: Report,
): void {
  if (written === undefined) return
  const url = URL.parse(written)
  const loopback = url !== null && insecure && isLoopback(url.hostname)
  if (url === null || url.username !== '' || (url.protocol !== 'https:' && !loopback)) {
    report(path, 'must be an https URL without credentials')
  }
}

/** A public key and nothing secret; whether it is strong enough is asked where it is used. */
function checkPinned(key: Readonly<Record<string, unknown>>, path: string, report: Report): void {
  if (key['kty'] !== 'RSA' && key['kty'] !== 'EC' && key['kty'] !== 'OKP') {
    report(path, 'must be a public JWK: kty RSA, EC or OKP')
  }
  if ('d' in key || 'k' in key) report(path, 'holds a private key: give its public part only')
}

function parseDecryption(
  { decryption }: WrittenIssuer,
  path: string,
  env: Env,
  report: Report,
): Decryption | undefined {
  if (decryption === undefined) return undefined
  const keys = decryption.keys.map((reference, i) => {
    const at = `${path}.decryption.keys[${i}]`
    const secret = secretNamed(reference.secret, at, env, report)
    if (secret.reveal() !== '') checkDecryptionKey(secret.reveal(), at, report)
    return secret
  })
  const { algorithms, encryption, required } = decryption
  return { keys, algorithms, encryption, required }
}

function checkDecryptionKey(json: string, path: string, report: Report): void {
  const mend =
    'must be a private JWK (RSA of 2048 bits or more, EC or OKP), or for "dir" an oct JWK of 32 bytes ' +
    '(A256GCM) or 64 bytes (A256CBC-HS512)'
  const jwk = jsonObject(json)
  const size = (member: unknown): number =>
    typeof member === 'string' ? (decodeBase64url(member)?.length ?? 0) : 0
  const kty = jwk?.['kty']
  const fit =
    (kty === 'RSA' && size(jwk?.['n']) >= 256 && size(jwk?.['d']) > 0) ||
    ((kty === 'EC' || kty === 'OKP') && size(jwk?.['d']) > 0) ||
    (kty === 'oct' && (size(jwk?.['k']) === 32 || size(jwk?.['k']) === 64))
  if (!fit) report(path, mend)
}

function jsonObject(json: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null
      ? (value as Readonly<Record<string, unknown>>)
      : undefined
  } catch {
    // Not JSON: the report names the path. The text is a secret and is not quoted.
    return undefined
  }
}

function parseIntrospection(
  written: WrittenIssuer,
  insecure: boolean,
  path: string,
  env: Env,
  report: Report,
): Introspection | undefined {
  const { introspection } = written
  if (introspection === undefined) return undefined
  const at = `${path}.introspection`
  checkUrl(introspection.endpoint, `${at}.endpoint`, insecure, report)
  const undiscovered = written.jwks_uri !== undefined || written.keys !== undefined
  if (introspection.endpoint === undefined && undiscovered) {
    report(`${at}.endpoint`, 'is required beside keys or jwks_uri: no metadata names it')
  }
  return {
    endpoint: introspection.endpoint,
    clientId: introspection.client_id,
    clientAuth: parseClientAuth(introspection, at, env, report),
    cache: introspection.cache,
    signedWith: introspection.signed_with,
  }
}
