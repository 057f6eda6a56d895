/**
 * Where a session is used: country and network by what the platform says of the connection, the browser by what it says
 * of itself. What follows from a change is the site's word. Pure.
 *
 * None of it is proof: it is evidence that cookies have moved, for sites whose people do not.
 */
import type { PlacePolicy, Site, WhenMoved } from '../config/config.ts'
import { browserOf } from './browser.ts'

export interface Place {
  /** Two letters (ISO 3166-1); `undefined` where the platform does not say. */
  readonly country: string | undefined
  /** Number of the autonomous system that the address belongs to. */
  readonly network: number | undefined
  /** Family and system, such as "Firefox on Windows". */
  readonly browser: string
}

export function placeOf(request: Request): Place {
  const country = request.cf?.['country']
  const network = request.cf?.['asn']
  return {
    country: typeof country === 'string' ? country : undefined,
    network: typeof network === 'number' ? network : undefined,
    browser: browserOf(request.headers.get('user-agent')),
  }
}

export type Moved = keyof PlacePolicy

/** What the site wants done: the gravest of what follows from each change; `undefined` where nothing changed. */
export function moveOf(
  { session }: Site,
  kept: Place | undefined,
  seen: Place | undefined,
): { readonly what: readonly Moved[]; readonly does: WhenMoved } | undefined {
  const policy = session.whenMoved
  // A session of before places were kept has none to compare with, until it is renewed.
  if (policy === undefined || kept === undefined || seen === undefined) return undefined
  const what = aspects.filter(
    (aspect) => policy[aspect] !== 'ignore' && kept[aspect] !== seen[aspect],
  )
  const does = gravest.find((consequence) => what.some((aspect) => policy[aspect] === consequence))
  return does === undefined ? undefined : { what, does }
}

const aspects = ['country', 'network', 'browser'] as const
const gravest = ['end', 'sign_in', 'note'] as const
