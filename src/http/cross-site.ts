/**
 * The cross-site defence: ours, because SameSite alone trusts every sibling subdomain and every browser.
 *
 * A request that changes something on a cookie's authority must show that a page of this very origin sent
 * it: by `Sec-Fetch-Site: same-origin`, else by an `Origin` equal to ours, else by the `X-CSRF` header, which
 * no foreign page can add without a preflight that only a route's `cors` grants. Evidence that is present must
 * agree: a foreign `Origin` is not outvoted by a fetch-metadata header.
 *
 * Pages of foreign origins that a route lists bring the `X-CSRF` header on every request: that they were let to add it
 * is what shows that the browser asked us first.
 */
import { accept, deny, type Result } from '../denial.ts'

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether the request may change something, so that it needs evidence. */
export function needsSameOrigin(request: Request): boolean {
  return !safe.has(request.method) || request.headers.has('upgrade')
}

/** `origin` is the site's own, for the host that the request came to; `trusted` are foreign. attack: cross-site-request */
export function checkSameOrigin(
  headers: Headers,
  origin: string,
  trusted: ReadonlySet<string> = nobody,
): Result<true> {
  const fetchSite = headers.get('sec-fetch-site')
  const sender = headers.get('origin')
  if (sender !== null && sender !== origin) {
    if (!trusted.has(sender)) return deny({ reason: 'cross_site', evidence: 'origin' })
    return headers.get('x-csrf') === null
      ? deny({ reason: 'cross_site', evidence: 'x-csrf' })
      : accept(true)
  }
  if (fetchSite !== null) {
    return fetchSite === 'same-origin'
      ? accept(true)
      : deny({ reason: 'cross_site', evidence: 'sec-fetch-site' })
  }
  if (sender !== null) return accept(true)
  if (headers.get('x-csrf') !== null) return accept(true)
  return deny({ reason: 'cross_site', evidence: 'none' })
}

const nobody: ReadonlySet<string> = new Set()
