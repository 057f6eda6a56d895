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
  /** The session is over then, if nothing renews it. */
  readonly endsAt: number
  /** Such as "Firefox on Windows", by what the browser says of itself. */
  readonly browser: string
  /** Two letters (ISO 3166-1), by what the network says; `undefined` where it does not. */
  readonly country: string | undefined
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

/** The first that fits: many browsers also say that they are others. */
const browsers = [
  ['Edge', /\bEdg(?:e|A|iOS)?\//],
  ['Opera', /\bOPR\//],
  ['Samsung Internet', /\bSamsungBrowser\//],
  ['Firefox', /\b(?:Firefox|FxiOS)\//],
  ['Chrome', /\b(?:Chrome|CriOS|HeadlessChrome)\//],
  ['Safari', /\bSafari\//],
] as const

const systems = [
  ['iPhone', /\biPhone\b/],
  ['iPad', /\biPad\b/],
  ['Android', /\bAndroid\b/],
  ['Windows', /\bWindows\b/],
  ['macOS', /\bMac OS X\b/],
  ['ChromeOS', /\bCrOS\b/],
  ['Linux', /\bLinux\b/],
] as const

/** A name that a person knows their browser by. Nothing of what the browser sent is in it. */
export function browserOf(userAgent: string | null): string {
  const text = (userAgent ?? '').slice(0, 512)
  const find = (list: readonly (readonly [string, RegExp])[]) =>
    list.find(([, pattern]) => pattern.test(text))?.[0]
  const [browser, system] = [find(browsers), find(systems)]
  if (browser === undefined && system === undefined) return 'Unknown browser'
  return system === undefined ? (browser ?? '') : `${browser ?? 'A browser'} on ${system}`
}
