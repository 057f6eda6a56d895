/**
 * The one function that yields the URL which is both judged and forwarded.
 *
 * An origin may decode, normalise or cut a path in ways of its own; whatever could mean one thing to a
 * route and another to an origin is refused, not repaired. What passes:
 *
 *     url     = scheme "://" host path [ "?" query ]       of 8192 characters at most; host as the Host header says
 *     path    = 1*( "/" segment ) [ ";" parameters ]       no empty segment but the last, none that begins with "%20"
 *                                                          or ends in "." or "%20"
 *     segment = *( unreserved / sub-delims except ";" / ":" / "@" / escape )      never "." or ".."
 *     escape  = "%" HEXDIG HEXDIG                          of what must be escaped: no control, no unreserved
 *                                                          character, no "/", "\", "%", ";", "?", "#"
 *     query   = *( visible ASCII except "#" )              forwarded as it came: no rule looks at it
 *
 * and all escapes together are well-formed UTF-8 without control, format, or space characters of Unicode, and without
 * letters that some reader turns into one of the characters above. Parameters pass where the route lets them, and where
 * the path without them meets the same route.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'

declare const canonical: unique symbol

/** A URL that `canonicalUrl` let through, in the parts that the URL standard gives it. Plain values: they are read often. */
export interface CanonicalUrl {
  readonly href: string
  readonly origin: string
  /** With the colon. */
  readonly protocol: string
  readonly host: string
  readonly pathname: string
  /** With the question mark, or empty. */
  readonly search: string
  readonly [canonical]: true
}

/** What else is known of where a URL was sent. */
export interface Arrival {
  /** The `Host` header, where the request has one. */
  readonly host?: string | null
  /** By host; says which routes let path parameters through. Without it none does. */
  readonly sites?: ReadonlyMap<string, Site>
}

/** A path longer than this is nobody's honest request, and costs every later step. */
const longestUrl = 8192

/** `url` is absolute: what the runtime made of the request line and `Host`. attack: path-confusion */
export function canonicalUrl(url: string, { host, sites }: Arrival = {}): Result<CanonicalUrl> {
  if (url.length > longestUrl) return ambiguous('length')
  const plain = sites === undefined ? undefined : plainUrlOf(url, host ?? undefined, sites)
  if (plain !== undefined) return accept(plain)
  const parsed = URL.parse(url)
  if (parsed === null) return ambiguous('length')
  const flaw =
    authorityFlaw(parsed, host ?? undefined) ?? restFlaw(url) ?? pathFlaw(rawPath(url), ';')
  if (flaw !== undefined) return ambiguous(flaw)
  const { pathname } = parsed
  if (pathname.includes(';')) {
    const without = pathname.slice(0, pathname.indexOf(';'))
    const allowed = sites?.get(parsed.host)?.routes.allowsParameters(pathname, without)
    if (allowed !== true) return ambiguous('path_parameter')
  }
  const { href, origin, protocol, search } = parsed
  return accept({ href, origin, protocol, host: parsed.host, pathname, search } as CanonicalUrl)
}

/**
 * The common case, seen to be one without a parser: a host that the configuration has, as `Host` says it too, a path of
 * plain segments, and a query of characters that the parser leaves as they are.
 */
function plainUrlOf(
  href: string,
  host: string | undefined,
  sites: ReadonlyMap<string, Site>,
): CanonicalUrl | undefined {
  const parts = plainUrl.exec(href)
  if (parts === null) return undefined
  const [, protocol = '', own = '', pathname = '', search = ''] = parts
  if ((host ?? own) !== own || !sites.has(own)) return undefined
  // A lone question mark is an empty query, which the parser does not count as one.
  if (search === '?') return undefined
  return {
    href,
    origin: `${protocol}//${own}`,
    protocol,
    host: own,
    pathname,
    search,
  } as CanonicalUrl
}

function ambiguous(flaw: string): Result<never> {
  return deny({ reason: 'url_ambiguous', flaw })
}

/**
 * The path as it was written. `URL` resolves dot segments and turns `\` into `/`; judging its result would
 * let them pass unseen where a runtime hands the request line through.
 */
function rawPath(url: string): string {
  const authority = url.indexOf('//') + 2
  const start = url.slice(authority).search(/[/\\?#]/)
  if (start === -1) return '/'
  const rest = url.slice(authority + start)
  const end = rest.search(/[?#]/)
  const path = end === -1 ? rest : rest.slice(0, end)
  return path === '' ? '/' : path
}

/** A request line may name another host than `Host` does (RFC 9112 section 3.2.2), and readers choose. */
function authorityFlaw(url: URL, host: string | undefined): string | undefined {
  if (url.username !== '' || url.password !== '') return 'userinfo'
  if (host === undefined || host === url.host) return undefined
  const named = /^[a-z0-9.:[\]-]+$/i.test(host) ? URL.parse(`${url.protocol}//${host}`) : null
  return named?.host === url.host ? undefined : 'host'
}

function restFlaw(url: string): string | undefined {
  if (url.includes('#')) return 'fragment'
  const query = url.indexOf('?')
  return query === -1 || /^[!-~]*$/.test(url.slice(query)) ? undefined : 'query'
}

// Plain segments, the common case, need no closer look.
const plainSegments = String.raw`(?:\/[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*)*\/?`
const plainPath = new RegExp(`^${plainSegments}$`)
const plainUrl = new RegExp(
  String.raw`^(https?:)\/\/([a-z0-9.-]+(?::[0-9]+)?)(?=\/)(${plainSegments})(\?[A-Za-z0-9\-._~!$&()*+,;=:@/?%]*)?$`,
)

/** Says what makes a path ambiguous, if anything does. With `besides` = `;` the last segment may have parameters. */
export function pathFlaw(path: string, besides: '' | ';' = ''): string | undefined {
  if (plainPath.test(path)) return undefined
  if (!path.startsWith('/')) return 'relative'
  if (path.includes('//')) return 'empty_segment'
  if (path.includes('\\')) return 'backslash'
  // Every printable ASCII character that a path may hold as itself (RFC 3986 section 3.3).
  if (!/^[A-Za-z0-9\-._~!$&'()*+,;=:@/%]*$/.test(path)) return 'character'
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'escape'
  const parameters = path.indexOf(';')
  // Readers cut off what follows in the segment, or all that follows: in the last one it is the same.
  if (parameters !== -1 && (besides === '' || path.includes('/', parameters)))
    return 'path_parameter'
  if (parameters !== -1) {
    const flaw = pathFlaw(path.slice(0, parameters))
    // `/a/;x` is `/a/`, or `/a`.
    if (flaw !== undefined || path[parameters - 1] === '/') return flaw ?? 'path_parameter'
  }
  return escapeFlaw(path) ?? segmentFlaw(path)
}

function segmentFlaw(path: string): string | undefined {
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return 'dot_segment'
  // Origins on some file systems trim these, and read another name.
  if (/(?:\.|%20)(?:\/|$)/.test(path)) return 'trailing_dot_or_space'
  if (path.includes('/%20')) return 'leading_space'
  return undefined
}

/** What an escape may not hide: the characters that some origin gives a meaning of its own. */
function escapeFlaw(path: string): string | undefined {
  for (const [, hex] of path.matchAll(/%([0-9A-Fa-f]{2})/g)) {
    const code = Number.parseInt(hex ?? '', 16)
    if (code < 0x20 || code === 0x7f) return 'control'
    if (code === 0x2f) return 'encoded_slash'
    if (code === 0x5c) return 'encoded_backslash'
    if (code === 0x2e) return 'encoded_dot'
    if (code === 0x25) return 'double_encoding'
    if (code === 0x3b) return 'path_parameter'
    if (code === 0x3f || code === 0x23) return 'encoded_delimiter'
    // No honest client escapes a letter; a rule that compares text would not know the word. attack: encoded-route
    if (/[A-Za-z0-9\-_~]/.test(String.fromCharCode(code))) return 'encoded_unreserved'
  }
  return path.includes('%') ? unicodeFlaw(path) : undefined
}

// Slashes to the eye, of which no normalisation makes one.
const likeSlash = /[\u2044\u2215\u29f5\u29f8]/

function unicodeFlaw(path: string): string | undefined {
  let decoded: string
  try {
    decoded = decodeURIComponent(path)
  } catch {
    // decodeURIComponent refuses overlong and broken UTF-8.
    return 'utf8'
  }
  // Controls, and the invisible characters that reorder or join text.
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(decoded)) return 'control'
  // What normalises to an ASCII character that means something in a path: full-width slash, one-dot leader, `℀` (a/c).
  const foreign = decoded.replaceAll(/[ -~]/g, '')
  if (likeSlash.test(foreign) || /[ ./\\%;?#]/.test(foreign.normalize('NFKC'))) return 'lookalike'
  return undefined
}
