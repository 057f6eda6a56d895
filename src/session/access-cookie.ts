/**
 * The access cookie: the identity, sealed, opened at the edge without a look at any storage.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import type { Seal } from '../seal.ts'
import type { SessionId } from './refresh-cookie.ts'
import type { Identity } from './session.ts'

/** What opening an access cookie yields. Only `openAccessCookie` makes one. */
export interface Access {
  /** `claims` is missing where they did not fit: the session's object has them. */
  readonly identity: Identity
  readonly claimsInObject: boolean
  /** Seconds since 1970. */
  readonly expiresAt: number
  readonly refreshBy: number
}

/** Browsers refuse cookies over 4096 bytes; name and attributes take the rest. */
const longestValue = 3500

/** Seals an identity until `expiresAt`. Large claims stay behind. */
export async function sealAccessCookie(
  seal: Seal,
  site: Site,
  identity: Identity,
  expiresAt: number,
  refreshBy: number,
): Promise<string> {
  const value = { ...identity, expiresAt, refreshBy }
  const sealed = await seal.seal(site.id, 'access', value, expiresAt)
  if (sealed.length <= longestValue) return sealed
  return seal.seal(site.id, 'access', { ...value, claims: null }, expiresAt)
}

export async function openAccessCookie(
  seal: Seal,
  site: Site,
  cookie: string,
  now: number,
): Promise<Result<Access>> {
  const opened = await seal.open(site.id, 'access', cookie, now)
  if (!opened.ok) return deny({ reason: 'access_cookie_unreadable', why: opened.why })
  // Authentic, so of the shape that `sealAccessCookie` gave it; a future version seals for another purpose.
  const { expiresAt, refreshBy, claims, ...rest } = opened.value as SealedAccess
  return accept({
    identity: { ...rest, claims: claims ?? {} },
    claimsInObject: claims === null,
    expiresAt,
    refreshBy,
  })
}

interface SealedAccess extends Omit<Identity, 'claims'> {
  readonly sessionId: SessionId
  readonly claims: Readonly<Record<string, unknown>> | null
  readonly expiresAt: number
  readonly refreshBy: number
}
