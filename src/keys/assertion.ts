/**
 * The assertion: the short-lived JWT that tells an origin who the caller is, signed by the site's key.
 *
 * Its `typ` is distinct from every other token of ours and of providers, its `aud` is the one origin it is
 * for, its `iss` the site: an origin that checks the three accepts nothing made for somebody else.
 */
import { SignJWT } from 'jose'

export const assertionType = 'sallyport+jwt'

export interface AssertionClaims {
  readonly issuer: string
  readonly audience: string
  readonly subject: string
  /** Issuer of the identity: `iss` + `sub` of the provider say who somebody is. */
  readonly identityProvider: string
  readonly sessionId: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly id: string
}

export interface SigningKey {
  readonly kid: string
  readonly alg: string
  readonly privateKey: CryptoKey
}

/** `now` and `lifetime` in seconds. */
export async function signAssertion(
  key: SigningKey,
  assertion: AssertionClaims,
  now: number,
  lifetime: number,
): Promise<string> {
  // Our own claims come last: none of the provider's can take their place.
  return new SignJWT({
    ...assertion.claims,
    iss: assertion.issuer,
    aud: assertion.audience,
    sub: assertion.subject,
    sid: assertion.sessionId,
    idp: assertion.identityProvider,
    jti: assertion.id,
    iat: now,
    exp: now + lifetime,
  })
    .setProtectedHeader({ alg: key.alg, kid: key.kid, typ: assertionType })
    .sign(key.privateKey)
}

/** The port to assertions that still hold, in the isolate. Times in seconds. */
export interface AssertionCache {
  get(key: string, now: number): string | undefined
  set(key: string, assertion: string, expiresAt: number): void
}
