/**
 * The isolation policy of a route (W3C Fetch Metadata): pages of other sites may lead a person there, and may not load
 * it as a script, an image, a frame or data, whatever the caller is.
 */
import type { Isolation } from '../config/browser-policy.ts'
import type { Route } from '../config/route.ts'
import { accept, deny, type Result } from '../denial.ts'
import { addVary, isListed } from './cors.ts'
import type { HeaderFields } from './edited-headers.ts'
import type { Visit } from './visit.ts'

/**
 * A request without fetch metadata comes from a program, from a browser older than 2023, or over plain http: an
 * `Origin` is then all there is to go by, and where there is none the request passes. Metadata that is present and
 * unknown counts as foreign. attack: cross-site-leak
 */
export function checkIsolation({ request, url }: Visit, route: Route): Result<true> {
  if (route.isolation === 'off') return accept(true)
  const { headers } = request
  const sender = headers.get('origin')
  // A page that the route lists for CORS may load it.
  if (sender !== null && route.cors !== undefined && isListed(route.cors, sender))
    return accept(true)
  const site = headers.get('sec-fetch-site')
  if (site === null) {
    return sender === null || sender === url.origin
      ? accept(true)
      : deny({ reason: 'isolated', evidence: 'origin' })
  }
  return isNear(site, route.isolation) || isVisit(request)
    ? accept(true)
    : deny({ reason: 'isolated', evidence: 'sec-fetch-site' })
}

/** `none`: the person typed the address, or opened a bookmark. */
function isNear(site: string, isolation: Isolation): boolean {
  if (site === 'same-origin' || site === 'none') return true
  return site === 'same-site' && isolation === 'same_site'
}

/** A person follows a link: the whole window goes there, and the page that led there sees nothing of it. */
function isVisit({ method, headers }: Request): boolean {
  return (
    (method === 'GET' || method === 'HEAD') &&
    headers.get('sec-fetch-mode') === 'navigate' &&
    headers.get('sec-fetch-dest') === 'document'
  )
}

/** So that no cache gives a foreign page what it may not load. */
export function addIsolationVary(headers: HeaderFields, { isolation }: Route): void {
  if (isolation === 'off') return
  for (const name of ['Sec-Fetch-Site', 'Sec-Fetch-Mode', 'Sec-Fetch-Dest', 'Origin'])
    addVary(headers, name)
}
