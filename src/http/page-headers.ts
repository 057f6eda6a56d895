/**
 * What a page tells the browser to hold it to, where the origin says nothing: an origin's own header wins.
 */
import type { PageHeaders } from '../config/browser-policy.ts'
import { audienceOf } from './audience.ts'
import type { HeaderFields } from './edited-headers.ts'
import { forbidStoring } from './private.ts'

/** Puts a nonce into the tags of an HTML answer; `platform/nonce-tags.ts` implements it. */
export type NonceTags = (page: Response, nonce: string) => Response

/**
 * Where pages get a nonce, a browser must not go on with a copy that has another, or with a part: what asks for less
 * than the page is taken from the request to the origin.
 */
export function askForWholePage(
  headers: HeaderFields,
  request: Request,
  policy: PageHeaders | undefined,
): void {
  if (policy?.needsNonce !== true) return
  const navigates = request.headers.get('sec-fetch-mode') === 'navigate'
  if (!navigates && audienceOf(request) !== 'navigation') return
  for (const name of partial) headers.delete(name)
}

const partial = ['if-none-match', 'if-modified-since', 'range', 'if-range']

/**
 * Adds to an origin's answer; gives the nonce that its tags need, if they do. A page with a nonce is never stored: the
 * next reader would have one that is known. attack: cached-nonce
 */
export function addPageHeaders(
  headers: HeaderFields,
  policy: PageHeaders | undefined,
  makeNonce: () => string,
): string | undefined {
  if (policy === undefined) return undefined
  setAbsent(headers, policy.always)
  const type = headers.get('content-type') ?? ''
  if (!page.test(type)) return undefined
  setAbsent(headers, policy.pages)
  const theirs = headers.get('content-security-policy')
  const frames = frameRuleOf(headers, theirs, policy)
  if (theirs !== null || policy.contentSecurityPolicy === undefined) {
    // A second policy only adds: both must allow what is done.
    if (frames !== undefined) headers.append('content-security-policy', frames)
    return undefined
  }
  const nonce = policy.needsNonce ? makeNonce() : undefined
  const written = policy.contentSecurityPolicy.replaceAll('{nonce}', nonce ?? '')
  headers.set('content-security-policy', frames === undefined ? written : `${written}; ${frames}`)
  if (nonce === undefined) return undefined
  forbidStoring(headers)
  // Those of the page as the origin has it.
  for (const name of [
    'etag',
    'last-modified',
    'accept-ranges',
    'content-length',
    'content-md5',
    'digest',
  ])
    headers.delete(name)
  return html.test(type) && readable.has((headers.get('content-encoding') ?? '').toLowerCase())
    ? nonce
    : undefined
}

/** What a browser shows as a document that can hold scripts. */
const page =
  /^\s*(?:text\/html|application\/xhtml\+xml|image\/svg\+xml|(?:text|application)\/xml)\s*(?:;|$)/i
const html = /^\s*text\/html\s*(?:;|$)/i

/** The encodings that the runtime undoes and makes again; a page in another keeps its tags, and its scripts do not run. */
const readable: ReadonlySet<string> = new Set(['', 'identity', 'gzip', 'br'])

function setAbsent(headers: HeaderFields, added: ReadonlyMap<string, string>): void {
  for (const [name, value] of added) if (!headers.has(name)) headers.set(name, value)
}

/** Ours, unless the origin has a rule for frames, by either header. */
function frameRuleOf(
  headers: HeaderFields,
  theirs: string | null,
  { frameAncestors, frameOptions }: PageHeaders,
): string | undefined {
  if (headers.has('x-frame-options')) return undefined
  if (theirs !== null && /(?:^|[;,])\s*frame-ancestors\b/i.test(theirs)) return undefined
  if (frameOptions !== undefined) headers.set('x-frame-options', frameOptions)
  return frameAncestors
}
