/**
 * The assertion: the short-lived JWT that tells an origin who the caller is, signed by the site's key.
 *
 * Its `typ` is distinct from every other token of ours and of providers, its `aud` is the one origin it is
 * for, its `iss` the site: an origin that checks the three accepts nothing made for somebody else.
 */
import { encodeBase64url } from '../base64url.ts'
import type { Signer } from './signer.ts'

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
  /** Who acts for the subject (RFC 8693 section 4.1), as a verified token said; `undefined` where it is the subject. */
  readonly actor: object | undefined
  /** Thumbprint of the key that the caller's session is bound to (RFC 7638); `undefined` where it is bound to none. */
  readonly boundTo: string | undefined
  readonly claims: Readonly<Record<string, unknown>>
}

export interface AssertionClaims extends Asserted {
  readonly issuer: string
  readonly audience: string
  readonly id: string
}

/** A JWS in compact form (RFC 7515 section 7.1). `now` and `expiresAt` in seconds since 1970. */
export async function signAssertion(
  signer: Signer,
  assertion: AssertionClaims,
  now: number,
  expiresAt: number,
): Promise<string> {
  const header = { alg: signer.alg, kid: signer.kid, typ: assertionType }
  // Our own claims come last: none of the provider's can take their place.
  const payload = {
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
    act: assertion.actor,
    // RFC 7800: the caller's confirmation, which was asked for here. An origin gets no proof of its own.
    cnf: assertion.boundTo === undefined ? undefined : { jkt: assertion.boundTo },
    // Nothing of ours delays an assertion: a claim that says so would be somebody else's.
    nbf: undefined,
    jti: assertion.id,
    iat: now,
    exp: expiresAt,
  }
  const input = `${encode(header)}.${encode(payload)}`
  return `${input}.${encodeBase64url(await signer.sign(bytesOf(input)))}`
}

const utf8 = new TextEncoder()

function encode(part: object): string {
  return encodeBase64url(bytesOf(JSON.stringify(part)))
}

/** The types of the runtime say less of `encode` than it does: it gives a buffer of its own. */
function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(utf8.encode(text))
}
