/**
 * The assertion: the short-lived JWT that tells an origin who the caller is, signed by the site's key.
 *
 * Its `typ` is distinct from every other token of ours and of providers, its `aud` is the one origin it is
 * for, its `iss` the site: an origin that checks the three accepts nothing made for somebody else.
 */
import { SignJWT } from 'jose'

export const assertionType = 'sallyport+jwt'

/** Who an origin is told of. */
export interface Asserted {
  readonly kind: 'session' | 'bearer' | 'machine'
  readonly subject: string
  /** Issuer of the identity: `iss` + `sub` there say who somebody is. */
  readonly identityProvider: string
  readonly sessionId: string | undefined
  readonly clientId: string | undefined
  readonly scope: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
}

export interface AssertionClaims extends Asserted {
  readonly issuer: string
  readonly audience: string
  readonly id: string
}

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
}

/** `now` and `expiresAt` in seconds since 1970. */
export async function signAssertion(
  key: SigningKey,
  assertion: AssertionClaims,
  now: number,
  expiresAt: number,
): Promise<string> {
  // Our own claims come last: none of the provider's can take their place.
  return new SignJWT({
    ...assertion.claims,
    iss: assertion.issuer,
    aud: assertion.audience,
    sub: assertion.subject,
    idp: assertion.identityProvider,
    caller: assertion.kind,
    // `undefined` is left out, and takes the place of a claim of that name all the same.
    sid: assertion.sessionId,
    client_id: assertion.clientId,
    scope: assertion.scope,
    jti: assertion.id,
    iat: now,
    exp: expiresAt,
  })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: assertionType })
    .sign(key.privateKey)
}
