/**
 * The cross-site defence: ours, because SameSite alone trusts every sibling subdomain and every browser.
 *
 * A request that changes something on a cookie's authority must show that a page of this very origin sent
 * it: by `Sec-Fetch-Site: same-origin`, else by an `Origin` equal to ours, else by the `X-CSRF` header, which
 * no foreign page can add without a preflight that we never grant. Evidence that is present must agree:
 * a foreign `Origin` is not outvoted by a fetch-metadata header.
 */
import { accept, deny, type Result } from '../denial.ts'

const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether the request may change something, so that it needs evidence. */
export function needsSameOrigin(request: Request): boolean {
  return !safe.has(request.method) || request.headers.has('upgrade')
}

/** `origin` is the site's own, for the host that the request came to. attack: cross-site-request */
export function checkSameOrigin(headers: Headers, origin: string): Result<true> {
  const fetchSite = headers.get('sec-fetch-site')
  const sender = headers.get('origin')
  if (sender !== null && sender !== origin)
    return deny({ reason: 'cross_site', evidence: 'origin' })
  if (fetchSite !== null) {
    return fetchSite === 'same-origin'
      ? accept(true)
      : deny({ reason: 'cross_site', evidence: 'sec-fetch-site' })
  }
  if (sender !== null) return accept(true)
  if (headers.get('x-csrf') !== null) return accept(true)
  return deny({ reason: 'cross_site', evidence: 'none' })
}
