/**
 * Verifies Sallyport's assertions where they arrive: at an origin, in Node, Workers, or whatever has the Fetch API.
 *
 * Everything is checked that an assertion says of itself: its type, one of the pinned algorithms, its site, that it is
 * for this origin, its times; and the signature by a key of that very site. Refusals are values; what is thrown is a
 * mistake in the options, at the start.
 */
import { base64url, compactVerify } from 'jose'
import { refuse, type Verification, type VerifiedAssertion } from './assertion.ts'
import { readOptions, type Settings, type VerifierOptions } from './options.ts'
import { PublishedKeys } from './published-keys.ts'
import { assertionIn, type WithHeaders } from './request.ts'

export interface AssertionVerifier {
  /** Judges the text of an assertion. Never rejects. */
  verify(assertion: string): Promise<Verification>
  /**
   * Judges the assertion in a request's headers: `Sallyport-Assertion` where there is one, `Authorization: Bearer`
   * otherwise. Takes a Request, its Headers, or the plain object that Node has. Never rejects.
   */
  verifyRequest(request: WithHeaders): Promise<Verification>
}

/** Throws a TypeError that says what to mend. Make one at the start and keep it: it holds the key sets. */
export function createAssertionVerifier(options: VerifierOptions): AssertionVerifier {
  const settings = readOptions(options)
  const published = new Map(
    [...settings.issuers].map(([issuer, url]) => [issuer, new PublishedKeys(url, settings)]),
  )
  const verify = (assertion: string) => verifyAssertion(assertion, settings, published)
  return {
    verify,
    async verifyRequest(request) {
      const found = assertionIn(request)
      return found.ok ? verify(found.assertion) : found
    },
  }
}

/** Characters; above what fits into the headers of most servers. */
const longest = 16_384
/** Seconds: no site can be configured to make one that lives longer. */
const longestLife = 600

type Json = Readonly<Record<string, unknown>>

async function verifyAssertion(
  assertion: string,
  settings: Settings,
  published: ReadonlyMap<string, PublishedKeys>,
): Promise<Verification> {
  if (typeof assertion !== 'string' || assertion.length > longest) return refuse('size')
  const parts = assertion.split('.')
  if (parts.length !== 3 || !parts.every(isBase64url)) return refuse('grammar')
  const [header, claims] = parts.map(parseObject)
  if (header === undefined || claims === undefined) return refuse('grammar')

  const { alg, kid, typ } = header
  // attack: token-type-confusion
  if (typ !== 'sallyport+jwt') return refuse('type')
  // attack: algorithm-from-the-header
  if (!settings.algorithms.some((pinned) => pinned === alg)) return refuse('algorithm')
  if (typeof kid !== 'string' || kid === '' || 'crit' in header || 'b64' in header)
    return refuse('header')

  // Nothing is proved yet: `iss` only chooses among the sites that the options name. attack: issuer-from-the-token
  const keySet = typeof claims['iss'] === 'string' ? published.get(claims['iss']) : undefined
  if (keySet === undefined) return refuse('issuer')
  const value = readClaims(claims, kid)
  if (value === undefined) return refuse('claims')
  // attack: assertion-of-another-gateway
  if (!settings.audiences.has(value.audience)) return refuse('audience')
  const untimely = judgeTimes(value, claims['nbf'], settings)
  if (untimely !== undefined) return untimely

  const keys = await keySet.keysFor(kid)
  if (keys === undefined) return { ok: false, refusal: { reason: 'keys_unavailable' } }
  const selected = keys.select(String(alg), kid)
  if (!selected.ok) return refuse(selected.why)
  const key = await keys.import(selected.jwk, String(alg))
  if (key === undefined) return refuse('key_unfit')
  try {
    await compactVerify(assertion, key, { algorithms: [String(alg)] })
    return { ok: true, value }
  } catch {
    // Everything else has been looked at.
    return refuse('signature')
  }
}

function judgeTimes(
  { issuedAt, expiresAt }: VerifiedAssertion,
  notBefore: unknown,
  { now, clockTolerance }: Settings,
): Verification | undefined {
  const time = now()
  if (expiresAt <= issuedAt || expiresAt - issuedAt > longestLife) return refuse('lifetime')
  if (time >= expiresAt + clockTolerance) return refuse('expired')
  if (issuedAt > time + clockTolerance) return refuse('not_yet_valid')
  if (notBefore === undefined) return undefined
  if (typeof notBefore !== 'number') return refuse('claims')
  return notBefore > time + clockTolerance ? refuse('not_yet_valid') : undefined
}

const callers: ReadonlySet<unknown> = new Set(['session', 'bearer', 'machine'])

/** `undefined` where a claim that every assertion has is absent, or any is of the wrong kind. */
function readClaims(claims: Json, keyId: string): VerifiedAssertion | undefined {
  const { iss, aud, sub, idp, caller, sid, client_id: clientId, scope, jti, iat, exp } = claims
  // One text, not a list: an assertion is for one origin.
  if (!isText(iss) || !isText(aud) || !isText(sub) || !isText(idp)) return undefined
  if (!callers.has(caller) || !isTime(iat) || !isTime(exp)) return undefined
  if (![sid, clientId, scope, jti].every((claim) => claim === undefined || isText(claim)))
    return undefined
  return {
    issuer: iss,
    audience: aud,
    subject: sub,
    identityProvider: idp,
    caller: caller as VerifiedAssertion['caller'],
    sessionId: sid as string | undefined,
    clientId: clientId as string | undefined,
    scopes: isText(scope) ? scope.split(' ').filter((word) => word !== '') : [],
    id: jti as string | undefined,
    issuedAt: iat,
    expiresAt: exp,
    keyId,
    claims,
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0
}

/** Strict: the alphabet, and no stray bits at the end. attack: stray-base64-bits */
function isBase64url(part: string): boolean {
  if (!/^[\w-]+$/.test(part)) return false
  try {
    return base64url.encode(base64url.decode(part)) === part
  } catch {
    // A length that no bytes have.
    return false
  }
}

function parseObject(part: string): Json | undefined {
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      base64url.decode(part),
    )
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Json)
      : undefined
  } catch {
    // Not UTF-8, or not JSON.
    return undefined
  }
}
