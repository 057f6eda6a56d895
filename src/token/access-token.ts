/**
 * What an access token says, checked (RFC 9068 section 4, RFC 7519 section 4.1, RFC 8725): the one way to a
 * `VerifiedToken`, for signed tokens and for answers of introspection alike.
 */
import { accept, deny, type Result, type SignatureCheck, type TokenCheck } from '../denial.ts'
import { type Actor, readActor } from './actor.ts'
import type { KeySet } from './key-set.ts'
import { parseJsonObject, verifyJws } from './jws.ts'

/** How the configuration wants one issuer's tokens, on one route. Times in seconds. */
export interface TokenPolicy {
  readonly issuer: string
  readonly algorithms: readonly string[]
  /** `undefined` asks for no `typ`, but shuts out those of other tokens. */
  readonly types: readonly string[] | undefined
  readonly clockSkew: number
  readonly maxLifetime: number
}

export type Claims = Readonly<Record<string, unknown>>

/** Proof that a token was verified. Only this module makes one. */
export class VerifiedToken {
  readonly issuer: string
  /** `undefined` where the token stands for the client itself. */
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly audience: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly id: string | undefined
  readonly issuedAt: number | undefined
  readonly notBefore: number | undefined
  readonly expiresAt: number
  readonly authTime: number | undefined
  readonly acr: string | undefined
  /** Who acts for the subject, where that is somebody else. */
  readonly actor: Actor | undefined
  readonly claims: Claims
  /** `kid` of the key that signed it; `undefined` for answers of introspection. */
  readonly keyId: string | undefined
  readonly #verified = true

  private constructor(read: ReadClaims, keyId: string | undefined) {
    this.issuer = read.issuer
    this.subject = read.subject
    this.clientId = read.clientId
    this.audience = read.audience
    this.scopes = read.scopes
    this.id = read.id
    this.issuedAt = read.issuedAt
    this.notBefore = read.notBefore
    this.expiresAt = read.expiresAt
    this.authTime = read.authTime
    this.acr = read.acr
    this.actor = read.actor
    this.claims = read.claims
    this.keyId = keyId
  }

  get verified(): boolean {
    return this.#verified
  }

  /** Who an origin is told of: the person, or the client that speaks for itself. */
  get principal(): string {
    return this.subject ?? this.clientId ?? ''
  }

  /**
   * Whether the client speaks for itself: RFC 9068 section 2.2 puts the client into `sub` where no person is
   * involved. Issuers of before it say so in ways of their own.
   */
  get isMachine(): boolean {
    const { subject, clientId, claims } = this
    if (subject === undefined || subject === clientId) return true
    return (
      claims['idtyp'] === 'app' ||
      claims['gty'] === 'client-credentials' ||
      subject === `${clientId ?? ''}@clients` ||
      claims['preferred_username'] === `service-account-${clientId ?? ''}`
    )
  }

  /** A signed token. Every denial is `token_refused` with the check that failed. */
  static async verify(
    token: string,
    keys: KeySet,
    policy: TokenPolicy,
    now: number,
  ): Promise<Result<VerifiedToken>> {
    const signed = await verifySignature(token, keys, policy)
    return signed.ok ? VerifiedToken.fromSigned(signed.value, policy, now) : signed
  }

  /** A token whose signature was verified by the issuer's policy: everything that changes with time, or is the claims'. */
  static fromSigned(
    { claims, keyId }: SignedClaims,
    policy: TokenPolicy,
    now: number,
  ): Result<VerifiedToken> {
    // An issuer that promises RFC 9068 also promises its claims.
    const promised = policy.types?.includes('at+jwt') === true ? required : ['iss', 'exp']
    if (promised.some((name) => (claims[name] ?? undefined) === undefined))
      return refuse('claim_missing')
    // attack: token-type-confusion
    if (policy.types === undefined && isForAnotherPurpose(claims)) return refuse('type')
    // The key's own name: a token need not say it. attack: key-not-named
    return VerifiedToken.fromClaims(claims, policy, now, keyId)
  }

  /** The same token at another time, by the policy that it was verified with: nothing else of it can have changed. */
  again(policy: TokenPolicy, now: number): Result<VerifiedToken> {
    const failed = checkTimes(this, policy, now)
    return failed === undefined ? accept(this) : refuse(failed)
  }

  /** An answer of introspection, or the payload of a token whose signature was verified. */
  static fromClaims(
    claims: Claims,
    policy: TokenPolicy,
    now: number,
    keyId?: string,
  ): Result<VerifiedToken> {
    const read = readClaims(claims)
    if (read === undefined) return refuse('claim_malformed')
    // attack: issuer-from-the-token
    if (read.issuer !== policy.issuer) return refuse('issuer')
    const failed = checkTimes(read, policy, now)
    if (failed !== undefined) return refuse(failed)
    // A token of nobody is nobody's identity.
    if (read.subject === undefined && read.clientId === undefined) return refuse('claim_missing')
    // attack: bound-token-as-bearer
    if (claims['cnf'] !== undefined) return refuse('sender_constrained')
    return accept(new VerifiedToken(read, keyId))
  }
}

/** The claims of a token whose signature is good; nothing is said yet of what they claim. */
export interface SignedClaims {
  readonly claims: Claims
  /** Of the key that verified it. */
  readonly keyId: string | undefined
}

/**
 * A token that was good by an issuer's policy and its keys of that time. It says nothing once the issuer has other
 * keys: they are then another set.
 */
export interface RememberedToken {
  readonly policy: TokenPolicy
  readonly keys: KeySet
  readonly token: VerifiedToken
}

/** What text, keys and policy alone decide: the same for the same three, whenever it is asked. */
export async function verifySignature(
  token: string,
  keys: KeySet,
  policy: TokenPolicy,
): Promise<Result<SignedClaims>> {
  const signed = await verifyJws(token, keys, {
    algorithms: policy.algorithms,
    ...(policy.types === undefined ? { otherTypes: typesOfOthers } : { types: policy.types }),
  })
  if (!signed.ok)
    return signed.denial.reason === 'signature_refused' ? refuse(signed.denial.check) : signed
  const claims = parseJsonObject(signed.value.payload)
  if (claims === undefined) return refuse('claim_malformed')
  return accept({ claims, keyId: signed.value.keyId })
}

const required = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti']

/** ID tokens are `JWT` or nothing and are told by their claims; the rest by `typ`. */
const typesOfOthers = [
  ...['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'token-introspection+jwt', 'oauth-authz-req+jwt'],
  ...['client-authentication+jwt', 'sallyport+jwt', 'id_token+jwt'],
]

/**
 * Whether the claims say of themselves that they are another token's: ID tokens carry `nonce` or `at_hash`, logout
 * tokens and security events `events`, proofs `htu`; some issuers write the kind into `typ` or `token_use`.
 */
export function isForAnotherPurpose(claims: Claims): boolean {
  const { typ, token_use: use } = claims
  const isOther = typeof typ === 'string' && kindsOfOthers.has(typ.toLowerCase())
  const isNoAccess = use !== undefined && use !== 'access' && use !== 'access_token'
  const marks = ['nonce', 'at_hash', 'c_hash', 'events', 'htu']
  return isOther || isNoAccess || marks.some((name) => claims[name] !== undefined)
}

const kindsOfOthers: ReadonlySet<string> = new Set(['id', 'refresh', 'offline', 'logout'])

interface ReadClaims {
  readonly issuer: string
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly audience: readonly string[]
  readonly scopes: ReadonlySet<string>
  readonly id: string | undefined
  readonly issuedAt: number | undefined
  readonly notBefore: number | undefined
  readonly expiresAt: number
  readonly authTime: number | undefined
  readonly acr: string | undefined
  readonly actor: Actor | undefined
  readonly claims: Claims
}

/** The registered claims in their types; `undefined` where one has another. */
function readClaims(claims: Claims): ReadClaims | undefined {
  const { iss, sub, aud, exp, iat, nbf, jti, auth_time: authTime, acr } = claims
  const clientId = claims['client_id'] ?? claims['azp'] ?? claims['cid'] ?? claims['appid']
  const audience = typeof aud === 'string' ? [aud] : (aud ?? [])
  const scopes = readScopes(claims['scope'] ?? claims['scp'])
  if (typeof iss !== 'string' || !isTime(exp) || scopes === undefined) return undefined
  if (!isOptional(isText, sub) || !isOptional(isText, clientId) || !isOptional(isText, jti))
    return undefined
  if (!isOptional(isTime, iat) || !isOptional(isTime, nbf) || !isOptional(isTime, authTime))
    return undefined
  if (!isOptional(isText, acr) || !Array.isArray(audience) || !audience.every(isText))
    return undefined
  // Who cannot be told who acts must not take it for the person. attack: actor-left-out
  const actor = claims['act'] === undefined ? undefined : readActor(claims['act'], iss)
  if (claims['act'] !== undefined && actor === undefined) return undefined
  return {
    issuer: iss,
    subject: sub,
    clientId,
    audience,
    scopes,
    id: jti,
    issuedAt: iat,
    notBefore: nbf,
    expiresAt: exp,
    authTime,
    acr,
    actor,
    claims,
  }
}

/** A space-delimited text (RFC 8693 section 4.2), or the list that some issuers write. */
function readScopes(scope: unknown): ReadonlySet<string> | undefined {
  if (scope === undefined) return new Set()
  if (typeof scope === 'string') return new Set(scope.split(' ').filter((word) => word !== ''))
  return Array.isArray(scope) && scope.every(isText) ? new Set(scope) : undefined
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0
}

function isOptional<T>(is: (value: unknown) => value is T, value: unknown): value is T | undefined {
  return value === undefined || is(value)
}

function checkTimes(
  { expiresAt, notBefore, issuedAt }: Pick<ReadClaims, 'expiresAt' | 'notBefore' | 'issuedAt'>,
  { clockSkew, maxLifetime }: TokenPolicy,
  now: number,
): TokenCheck | undefined {
  if (now >= expiresAt + clockSkew) return 'expired'
  if (notBefore !== undefined && notBefore > now + clockSkew) return 'not_yet_valid'
  if (issuedAt !== undefined && issuedAt > now + clockSkew) return 'issued_in_the_future'
  // Without `iat` what is left of its life must do.
  if (expiresAt - (issuedAt ?? now) > maxLifetime) return 'lifetime'
  return undefined
}

function refuse(check: TokenCheck | SignatureCheck): Result<never> {
  return deny({ reason: 'token_refused', check })
}
