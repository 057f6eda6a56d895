/**
 * The header firewall towards browsers: an origin speaks for its own pages, not for the gateway, nor for the other
 * origins of the site.
 */
import type { Route } from '../config/route.ts'
import { literalPrefix } from '../config/route-pattern.ts'
import { setsOwnCookie } from './cookie.ts'
import { speaksForCors } from './cors.ts'
import { EditedHeaders } from './edited-headers.ts'
import { dropNominated, hopByHop } from './scrub.ts'

/** Headers that speak for the whole host, or about the connection to it, which is ours. attack: origin-speaks-for-the-host */
const ofTheHost: ReadonlySet<string> = new Set([
  // Where else the host is served: a way around the gateway.
  'alt-svc',
  // Reports of every request to the host, with its address.
  'nel',
  'set-cookie2',
  // For our proofs: the caller makes none.
  'dpop-nonce',
  // Bind a session to the device, and name the cookies for it.
  'secure-session-registration',
  'secure-session-challenge',
  'sec-session-registration',
  'sec-session-challenge',
])

/** An origin's answer, with nothing of ours added yet. */
export function scrubAnswer(incoming: Headers, route: Route): EditedHeaders {
  const headers = new EditedHeaders(incoming)
  const ourCors = speaksForCors(route)
  for (const name of headers.keys()) {
    if (name === 'connection') dropNominated(headers)
    // What an origin sends must not look like our word. attack: origin-sets-our-headers
    if (name.startsWith('sallyport-') || hopByHop.has(name) || ofTheHost.has(name))
      headers.delete(name)
    else if (ourCors && name.startsWith('access-control-')) headers.delete(name)
    else if (name === 'set-cookie') scrubCookies(headers)
    else if (name === 'clear-site-data') scrubClearing(headers)
    else if (name === 'service-worker-allowed') scrubScope(headers, route)
  }
  return headers
}

function scrubCookies(headers: EditedHeaders): void {
  const lines = headers.getSetCookie()
  const others = lines.filter((line) => !setsOwnCookie(line))
  if (others.length < lines.length) headers.setCookies(others)
}

function scrubClearing(headers: EditedHeaders): void {
  const kept = withoutCookies(headers.get('clear-site-data') ?? '')
  if (kept === undefined) headers.delete('clear-site-data')
  else headers.set('clear-site-data', kept)
}

function scrubScope(headers: EditedHeaders, route: Route): void {
  const scope = headers.get('service-worker-allowed') ?? ''
  if (!isWithin(scope, literalPrefix(route.path))) headers.delete('service-worker-allowed')
}

/**
 * `"cookies"` would clear those of the whole registrable domain, and sign people out everywhere: signing out is done at
 * the logout endpoint. What an origin can fill, it may clear. attack: origin-speaks-for-the-host
 */
function withoutCookies(value: string): string | undefined {
  const kept = value
    .split(',')
    .map((type) => type.trim())
    .flatMap((type) => (type === '"*"' ? ['"cache"', '"storage"'] : [type]))
    .filter((type) => clearable.has(type))
  return kept.length === 0 ? undefined : kept.join(', ')
}

const clearable: ReadonlySet<string> = new Set([
  '"cache"',
  '"storage"',
  '"executionContexts"',
  '"prefetchCache"',
  '"prerenderCache"',
])

/**
 * A service worker sees every request below its scope. One origin of several may widen it within its own route.
 * attack: origin-speaks-for-the-host
 */
function isWithin(scope: string, prefix: string): boolean {
  const path = scope.trim()
  const parsed = path.startsWith('/') ? URL.parse(path, 'https://site.invalid') : null
  return parsed?.host === 'site.invalid' && parsed.pathname.startsWith(prefix)
}
