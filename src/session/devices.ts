/**
 * The devices on which somebody is signed in: a list for people, never needed to decide anything. What ends a session
 * is its object and its mark; a list that is lost hides sessions, and opens none.
 */
import type { Site } from '../config/config.ts'
import type { SessionId } from './refresh-cookie.ts'
import type { Identity } from './session.ts'

/** One signed-in browser. Times in seconds. */
export interface Device {
  readonly sessionId: SessionId
  readonly createdAt: number
  readonly seenAt: number
  /** The session is over then at the latest, if nothing renews it. */
  readonly endsAt: number
  /** Such as "Firefox on Windows", by what the browser says of itself. */
  readonly browser: string
  /** Two letters (ISO 3166-1), by what the network says; `undefined` where it does not. */
  readonly country: string | undefined
}

/**
 * Seconds by which the list may lag behind a renewal, so that not every one has to tell it: a quarter of the idle limit.
 * Where it is counted how many there are, it must know who is gone.
 */
export function lagOf({ session }: Site): number {
  return session.most === undefined ? Math.floor(session.idle / 4) : 0
}

/** Whose list it is. */
export type Owner = Pick<Identity, 'issuer' | 'subject'>

/** The port to the lists; `platform/devices.ts` implements it. All throw `Fault` where the list does not answer. */
export interface Devices {
  /** Adds; gives the sessions that are too many then, the oldest first. `most` where the site has a limit. */
  add(
    site: Site,
    owner: Owner,
    device: Device,
    most: number | undefined,
  ): Promise<readonly SessionId[]>
  /** The newest first. */
  list(site: Site, owner: Owner): Promise<readonly Device[]>
}
