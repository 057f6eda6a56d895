/**
 * Challenges of device-bound sessions: sealed, so that handing one out costs no storage. One is for the registration of
 * a key, soon after a login; the other for a proof, which the session's object takes once.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Denied, type DeviceCheck, type Result } from '../denial.ts'
import type { Seal } from '../seal.ts'
import { readProof } from '../token/device-proof.ts'
import type { SessionId } from './refresh-cookie.ts'
import type { SessionRecord } from './session.ts'

/** Seconds: making a key takes a moment on slow hardware, not longer. */
export const registrationLasts = 300

interface ProofChallenge {
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

/** The record once its device has answered a challenge, which is struck off: to be stored before anything else is done. */
export async function answerChallenge(
  seal: Seal,
  site: Site,
  record: SessionRecord,
  proof: string,
  now: number,
): Promise<Result<SessionRecord>> {
  const { binding, identity } = record
  if (binding === undefined) return refuse('unbound')
  const signed = await readProof(proof, binding.key)
  if (!signed.ok) return signed
  const opened = await seal.open(site.id, 'device-challenge', signed.value, now)
  if (!opened.ok) return refuse('challenge')
  const challenge = opened.value as ProofChallenge
  if (challenge.sessionId !== identity.sessionId) return refuse('challenge')
  // attack: device-proof-replay
  if (binding.used.some(({ id }) => id === challenge.id)) return refuse('challenge')
  const { id, until } = challenge
  const used = [...binding.used.filter((old) => now < old.until), { id, until }]
  return accept({ ...record, binding: { ...binding, used } })
}

function refuse(check: DeviceCheck): Denied {
  return deny({ reason: 'device_proof_refused', check })
}
