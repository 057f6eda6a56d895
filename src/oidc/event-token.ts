/**
 * Security event tokens (RFC 8417), verified: logout tokens and shared signals are both. Told apart by `typ` and
 * `events`; an ID or access token is neither.
 */
import type { Publisher } from '../config/issuer.ts'
import { accept, deny, type EventCheck, type Result, type SignatureCheck } from '../denial.ts'
import { parseJsonObject, verifyJws } from '../token/jws.ts'
import { unverifiedKid } from '../token/unverified.ts'
import type { ProviderDirectory } from './provider-documents.ts'

export interface EventPolicy {
  readonly sender: Publisher
  readonly algorithms: readonly string[]
  /** Who it must be for. */
  readonly audience: string
  /** Media types that `typ` may have; the empty one where it may be absent. */
  readonly types: readonly string[]
  readonly mustExpire: boolean
}

type Claims = Readonly<Record<string, unknown>>

/** Proof that an event was verified. Only this module makes one. */
export class EventToken {
  readonly issuer: string
  readonly id: string
  readonly subject: string | undefined
  readonly issuedAt: number
  readonly expiresAt: number | undefined
  readonly events: ReadonlyMap<string, Claims>
  readonly claims: Claims
  readonly #verified = true

  private constructor(read: Omit<EventToken, 'verified'>) {
    this.issuer = read.issuer
    this.id = read.id
    this.subject = read.subject
    this.issuedAt = read.issuedAt
    this.expiresAt = read.expiresAt
    this.events = read.events
    this.claims = read.claims
  }

  get verified(): boolean {
    return this.#verified
  }

  /** `event_refused` with the check that failed. Throws `Fault` where the sender's keys cannot be had. */
  static async verify(
    text: string,
    directory: ProviderDirectory,
    policy: EventPolicy,
    now: number,
  ): Promise<Result<EventToken>> {
    const keys = await directory.keys(policy.sender, unverifiedKid(text))
    const signed = await verifyJws(text, keys, policy)
    if (!signed.ok)
      return signed.denial.reason === 'signature_refused' ? refuse(signed.denial.check) : signed
    const claims = parseJsonObject(signed.value.payload)
    const read = claims === undefined ? undefined : readClaims(claims)
    if (claims === undefined || read === undefined) return refuse('claim_malformed')
    if (read.issuer !== policy.sender.issuer) return refuse('issuer')
    if (!read.audience.includes(policy.audience)) return refuse('audience')
    // What carries one is an ID token. attack: id-token-as-logout-token
    if (claims['nonce'] !== undefined) return refuse('nonce')
    if (read.issuedAt > now + skew) return refuse('issued_in_the_future')
    if (read.issuedAt < now - oldest) return refuse('too_old')
    if (policy.mustExpire && read.expiresAt === undefined) return refuse('claim_missing')
    if (read.expiresAt !== undefined && now >= read.expiresAt + skew) return refuse('expired')
    return accept(new EventToken({ ...read, claims }))
  }
}

/** Seconds by which a sender's clock and ours may differ. */
const skew = 60
/** Seconds: a sender that could not reach us tries again, but not for longer. */
export const oldest = 86_400

function readClaims(claims: Claims) {
  const { iss, aud, iat, exp, jti, sub, events } = claims
  const audience: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (typeof iss !== 'string' || typeof iat !== 'number' || typeof jti !== 'string' || jti === '')
    return undefined
  if (exp !== undefined && typeof exp !== 'number') return undefined
  if (sub !== undefined && (typeof sub !== 'string' || sub === '')) return undefined
  if (!isObject(events)) return undefined
  const read = Object.entries(events).map(
    ([type, event]) => [type, isObject(event) ? event : {}] as const,
  )
  return {
    issuer: iss,
    audience,
    id: jti,
    subject: sub,
    issuedAt: iat,
    expiresAt: exp,
    events: new Map(read),
  }
}

export function isObject(value: unknown): value is Claims {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function refuse(check: EventCheck | SignatureCheck): Result<never> {
  return deny({ reason: 'event_refused', check })
}
