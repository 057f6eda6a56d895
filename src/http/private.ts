/**
 * Keeping answers out of caches where they are one person's.
 */

import type { HeaderFields } from './edited-headers.ts'

/** By these an origin steers caches between us and the browser, past `Cache-Control` (RFC 9213). */
const forSharedCaches: readonly string[] = [
  'cdn-cache-control',
  'cloudflare-cdn-cache-control',
  'surrogate-control',
]

/** No cache keeps the answer, nor the back button after sign-out. */
export function forbidStoring(headers: HeaderFields): void {
  headers.set('cache-control', 'private, no-store')
  for (const name of [...forSharedCaches, 'expires', 'pragma']) headers.delete(name)
}

/**
 * An answer to somebody known, or one that sets a cookie, is one person's. An origin that names a private policy of
 * its own keeps it; what it says to shared caches alone goes. attack: cached-set-cookie
 */
export function keepPrivate(headers: HeaderFields): void {
  if (!saysPrivate(headers.get('cache-control'))) return forbidStoring(headers)
  for (const name of forSharedCaches) headers.delete(name)
}

/** `private="name"` is about one header only (RFC 9111 section 5.2.2.7), and whoever also says `public` is not heard. */
function saysPrivate(cacheControl: string | null): boolean {
  if (cacheControl === null || cacheControl.includes('"')) return false
  const directives = cacheControl.split(',').map((directive) => directive.trim().toLowerCase())
  const shared = directives.some(
    (directive) => directive === 'public' || directive.startsWith('s-maxage'),
  )
  return !shared && (directives.includes('private') || directives.includes('no-store'))
}
