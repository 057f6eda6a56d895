/**
 * A signed-in browser: what its object keeps, and when it is over. Pure; times in seconds.
 */
import type { Site } from '../config/config.ts'
import type { Denial } from '../denial.ts'
import { type OriginToken, unsaid } from '../oidc/token-for.ts'
import type { ProofKey } from '../oidc/dpop.ts'
import type { IdTokenClaims, ProviderTokens, Refreshed, SignedIn } from '../oidc/tokens.ts'
import type { DeviceKey } from '../token/device-proof.ts'
import type { Place } from './place.ts'
import type { SessionId } from './refresh-cookie.ts'
import type { Rotation } from './rotation.ts'

/** The record of one session. It lives in its object, sealed; nothing of it but `Identity` leaves. */
export interface SessionRecord {
  readonly version: 1
  readonly identity: Identity
  /** base64url of the key behind the refresh cookies' MACs. */
  readonly cookieKey: string
  readonly rotation: Rotation
  /** When the session was last renewed: the idle limit counts from here. */
  readonly renewedAt: number
  /** When the person's list of devices was last told of the session; absent until the first renewal that told it. */
  readonly listedAt?: number
  /** The device that the session is bound to; absent where it is to none. */
  readonly binding?: Binding
  readonly provider: {
    readonly accessToken: string
    readonly refreshToken: string | undefined
    readonly idToken: string
    readonly scope: string | undefined
    readonly refreshedAt: number
    /** `undefined` where the provider does not say. */
    readonly expiresAt: number | undefined
    /** When the refresh token ends, where the provider says so. */
    readonly refreshEndsAt: number | undefined
    /** What the tokens are bound to, from the first to the last; absent for bearer tokens. */
    readonly proofKey?: ProofKey | undefined
    /** When the provider's own session ends, where it says so (`session_expiry`). */
    readonly sessionEndsAt: number | undefined
  }
}

export interface Binding {
  readonly key: DeviceKey
  readonly boundAt: number
  /** Challenges that were answered, until they run out by themselves. */
  readonly used: readonly { readonly id: string; readonly until: number }[]
}

/** Who is signed in. What the access cookie seals; `/auth/session` and rules see nothing else. */
export interface Identity {
  readonly sessionId: SessionId
  /** The provider's issuer: with `subject` it says who somebody is. Never the e-mail. */
  readonly issuer: string
  readonly subject: string
  readonly claims: Readonly<Record<string, unknown>>
  readonly createdAt: number
  /** When it was issued, as marks count: behind every mark that stood when it was made. */
  readonly issuedAt: number
  /** `sid` of the provider: which of its sessions this came from. */
  readonly providerSession: string | undefined
  readonly authTime: number | undefined
  readonly acr: string | undefined
  /** What the provider granted (RFC 6749 section 3.3); `undefined` in cookies of before this was kept. */
  readonly scope: string | undefined
  /** Where the session began, or was last noted; `undefined` in cookies of before this was kept. */
  readonly place?: Place | undefined
  /** Thumbprint of the key of the device that the session is bound to (RFC 7638). */
  readonly deviceKey?: string | undefined
}

/** Claims about the token rather than about the person. */
const protocolClaims: ReadonlySet<string> = new Set([
  ...[
    'iss',
    'sub',
    'aud',
    'exp',
    'iat',
    'nbf',
    'jti',
    'azp',
    'nonce',
    'at_hash',
    'c_hash',
    's_hash',
  ],
  ...['auth_time', 'acr', 'sid', 'idp', 'typ', 'session_expiry'],
])

export function startSession(
  sessionId: SessionId,
  signedIn: SignedIn,
  userinfo: Readonly<Record<string, unknown>>,
  cookieKey: string,
  rotation: Rotation,
  issuedAt: number,
  now: number,
  place?: Place,
): SessionRecord {
  return {
    version: 1,
    identity: {
      sessionId,
      issuer: signedIn.claims.iss,
      subject: signedIn.claims.sub,
      claims: personClaims({ ...userinfo, ...signedIn.claims }),
      createdAt: now,
      issuedAt,
      providerSession: textOrNothing(signedIn.claims['sid']),
      authTime: signedIn.claims.auth_time,
      acr: textOrNothing(signedIn.claims['acr']),
      scope: signedIn.tokens.scope,
      place,
    },
    cookieKey,
    rotation,
    renewedAt: now,
    provider: {
      ...keepTokens(signedIn.tokens, now),
      idToken: signedIn.tokens.idToken,
      proofKey: signedIn.tokens.proofKey,
      sessionEndsAt: timeOrNothing(signedIn.claims['session_expiry']),
    },
  }
}

function textOrNothing(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

function timeOrNothing(claim: unknown): number | undefined {
  return typeof claim === 'number' && Number.isFinite(claim) ? claim : undefined
}

function personClaims(
  claims: IdTokenClaims | Record<string, unknown>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([name]) => !protocolClaims.has(name)))
}

function keepTokens(
  tokens: ProviderTokens,
  now: number,
): Omit<SessionRecord['provider'], 'idToken' | 'sessionEndsAt' | 'proofKey'> {
  const { refreshExpiresIn } = tokens
  return {
    accessToken: tokens.accessToken,
    refreshToken: tokens.refreshToken,
    scope: tokens.scope,
    refreshedAt: now,
    expiresAt: tokens.expiresIn === undefined ? undefined : now + tokens.expiresIn,
    refreshEndsAt: refreshExpiresIn === undefined ? undefined : now + refreshExpiresIn,
  }
}

/** The record after a refresh at the provider. What the provider did not send again stays. */
export function withRefreshed(
  record: SessionRecord,
  refreshed: Refreshed,
  now: number,
): SessionRecord {
  const kept = keepTokens(refreshed.tokens, now)
  const claims = refreshed.claims === undefined ? {} : personClaims(refreshed.claims)
  return {
    ...record,
    identity: {
      ...record.identity,
      claims: { ...record.identity.claims, ...claims },
      // RFC 6749 section 6: what a refresh does not mention stays as it was.
      scope: kept.scope ?? record.identity.scope,
    },
    provider: {
      ...kept,
      refreshToken: kept.refreshToken ?? record.provider.refreshToken,
      // A new token has an end of its own, or none that is known.
      refreshEndsAt:
        kept.refreshToken === undefined
          ? (kept.refreshEndsAt ?? record.provider.refreshEndsAt)
          : kept.refreshEndsAt,
      sessionEndsAt:
        timeOrNothing(refreshed.claims?.['session_expiry']) ?? record.provider.sessionEndsAt,
      scope: kept.scope ?? record.provider.scope,
      idToken: refreshed.tokens.idToken ?? record.provider.idToken,
      proofKey: record.provider.proofKey,
    },
  }
}

/** The record, bound to a device's key. */
export function withBinding(record: SessionRecord, key: DeviceKey, now: number): SessionRecord {
  return {
    ...record,
    identity: { ...record.identity, deviceKey: key.thumbprint },
    binding: { key, boundAt: now, used: [] },
  }
}

/** Why the session is over, if it is. */
export function endOf(record: SessionRecord, site: Site, now: number): Denial | undefined {
  if (now >= record.identity.createdAt + site.session.absolute) return { reason: 'session_expired' }
  if (now >= endAtProvider(record)) return { reason: 'session_expired' }
  if (now >= record.renewedAt + site.session.idle) return { reason: 'session_idle' }
  return undefined
}

/** Until when the session can be renewed, if nothing renews it before. */
export function refreshBy(record: SessionRecord, site: Site): number {
  return Math.min(
    record.identity.createdAt + site.session.absolute,
    record.renewedAt + site.session.idle,
    endAtProvider(record),
  )
}

/** What the provider has ended does not live on here. */
function endAtProvider({ provider }: SessionRecord): number {
  const { refreshToken, refreshEndsAt, sessionEndsAt } = provider
  const refresh = refreshToken === undefined ? undefined : refreshEndsAt
  return Math.min(refresh ?? Infinity, sessionEndsAt ?? Infinity)
}

/**
 * Whether a renewal asks the provider too. Each access cookie that ran out does, so that an account closed at
 * the provider is noticed within its life; the margin keeps a burst of renewals at one refresh.
 */
export function isProviderRefreshDue(record: SessionRecord, site: Site, now: number): boolean {
  const { refreshToken, refreshedAt, expiresAt } = record.provider
  if (refreshToken === undefined) return false
  const lifetime = Math.min(site.session.access, (expiresAt ?? Infinity) - refreshedAt)
  return now - refreshedAt >= Math.max(1, Math.ceil(lifetime * 0.8))
}

/**
 * Seconds that an access cookie handed out now lives: up to a tenth less than the site says, and not the same for all,
 * so that those who signed in at nine do not renew in one and the same second ever after.
 */
export function accessLifetime(
  { identity }: Pick<SessionRecord, 'identity'>,
  site: Site,
  now: number,
): number {
  // Not bound yet where it has to be: as long as it takes to register a key. attack: unbound-session
  const unbound = site.session.deviceBound === 'require' && identity.deviceKey === undefined
  const longest = unbound ? Math.min(site.session.access, 60) : site.session.access
  return longest - Math.floor(longest * 0.1 * spread(`${identity.sessionId} ${now}`))
}

/** From 0 up to 1, evenly, by a text (FNV-1a). No secret and no lottery: the same text gives the same. */
function spread(text: string): number {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  // The last bits that went in reach the upper half only after mixing.
  return ((hash ^ (hash >>> 15)) >>> 0) / 2 ** 32
}

/** The provider's access token as it may be sent to an origin now; `undefined` where it has run out. */
export function accessTokenOf({ provider }: SessionRecord, now: number): OriginToken | undefined {
  const { accessToken: token, expiresAt, proofKey } = provider
  if (expiresAt === undefined) return { token, expiresAt: now + unsaid, proofKey }
  return now < expiresAt ? { token, expiresAt, proofKey } : undefined
}

/** Whether the provider's access token still holds, so that a session outlives the provider's outage. */
export function isProviderTokenGood(record: SessionRecord, now: number): boolean {
  return record.provider.expiresAt !== undefined && now < record.provider.expiresAt
}
