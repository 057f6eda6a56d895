/**
 * Challenges of device-bound sessions: sealed, so that handing one out costs no storage. One is for the registration of
 * a key, soon after a login; the other for a proof, which the session's object takes once.
 */
import type { Site } from '../config/config.ts'
import type { Opened, Seal } from '../seal.ts'
import type { SessionId } from './refresh-cookie.ts'

/** Seconds: making a key takes a moment on slow hardware, not longer. */
export const registrationLasts = 300

export interface ProofChallenge {
  readonly sessionId: SessionId
  /** Names it among those that were used. */
  readonly id: string
  /** Seconds since 1970. */
  readonly until: number
}

/** Told to the browser that signed in, in that one answer, and nowhere else. attack: device-key-of-another */
export function registrationChallenge(
  seal: Seal,
  site: Site,
  sessionId: SessionId,
  now: number,
): Promise<string> {
  return seal.seal(site.id, 'device-registration', { sessionId }, now + registrationLasts)
}

/** The session to be bound; `undefined` for what is no challenge of ours, or an old one. */
export async function openRegistrationChallenge(
  seal: Seal,
  site: Site,
  challenge: string,
  now: number,
): Promise<SessionId | undefined> {
  const opened = await seal.open(site.id, 'device-registration', challenge, now)
  return opened.ok ? (opened.value as { readonly sessionId: SessionId }).sessionId : undefined
}

/**
 * Good for the next renewal: browsers keep it until then. Not for longer, lest who can sign for a moment signs for
 * later.
 */
export function proofChallenge(
  seal: Seal,
  site: Site,
  sessionId: SessionId,
  id: string,
  now: number,
): Promise<string> {
  const until = now + site.session.access + 60
  return seal.seal(site.id, 'device-challenge', { sessionId, id, until }, until)
}

export async function openProofChallenge(
  seal: Seal,
  site: Site,
  challenge: string,
  now: number,
): Promise<ProofChallenge | undefined> {
  const opened: Opened<unknown> = await seal.open(site.id, 'device-challenge', challenge, now)
  return opened.ok ? (opened.value as ProofChallenge) : undefined
}
