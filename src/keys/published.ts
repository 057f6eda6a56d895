/**
 * `/.well-known/jwks.json`: the site's public keys, for origins that check assertions.
 */
import type { JWK } from 'jose'
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'

export interface PublishedKeys {
  /** The document and its entity tag (quoted). */
  document(site: Site): Promise<{ readonly keys: readonly JWK[]; readonly etag: string }>
}

interface Question {
  readonly request: Request
  readonly site: Site
}

export async function answerKeySet(
  keys: PublishedKeys,
  { request, site }: Question,
): Promise<Result<Response>> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return deny({ reason: 'method_not_allowed', allow: ['GET', 'HEAD'] })
  }
  const document = await keys.document(site)
  const headers = {
    'content-type': 'application/jwk-set+json',
    // Public by nature, so cacheable: for a time that a key overlaps its use by.
    'cache-control': `public, max-age=${site.assertion.keysMaxAge}`,
    etag: document.etag,
    'access-control-allow-origin': '*',
    'sallyport-response': 'true',
    'x-content-type-options': 'nosniff',
  }
  if (matches(request.headers.get('if-none-match'), document.etag)) {
    return accept(new Response(null, { status: 304, headers }))
  }
  return accept(new Response(JSON.stringify({ keys: document.keys }), { headers }))
}

/** `If-None-Match` (RFC 9110 section 13.1.2): weak comparison, any of a list. */
function matches(header: string | null, etag: string): boolean {
  if (header === null) return false
  return (
    header.trim() === '*' ||
    header.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
  )
}
