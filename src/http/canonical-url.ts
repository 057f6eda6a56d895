/**
 * The one function that yields the URL which is both judged and forwarded.
 *
 * An origin may decode, normalise or cut a path in ways of its own; whatever could mean one thing to a
 * route and another to an origin is refused, not repaired. What passes:
 *
 *     path    = 1*( "/" segment )              no empty segment but the last, none that ends in "." or "%20"
 *     segment = *( unreserved / sub-delims except ";" / ":" / "@" / escape )      never "." or ".."
 *     escape  = "%" HEXDIG HEXDIG              of what must be escaped: no control, no unreserved character,
 *                                              no "/", "\", "%", ";", "?", "#"
 *
 * and all escapes together are well-formed UTF-8. The query is forwarded as it came: no rule looks at it.
 */
import { accept, deny, type Result } from '../denial.ts'

declare const canonical: unique symbol

/** A URL that `canonicalUrl` let through. */
export type CanonicalUrl = URL & { readonly [canonical]: true }

/** A path longer than this is nobody's honest request, and costs every later step. */
const longestUrl = 8192

/** `url` is absolute: what the runtime made of the request line and `Host`. */
export function canonicalUrl(url: string): Result<CanonicalUrl> {
  const parsed = url.length > longestUrl ? null : URL.parse(url)
  const flaw =
    parsed === null
      ? 'length'
      : (userinfoFlaw(parsed) ?? fragmentFlaw(url) ?? pathFlaw(rawPath(url)))
  // attack: path-confusion
  if (parsed === null || flaw !== undefined)
    return deny({ reason: 'url_ambiguous', flaw: flaw ?? 'length' })
  return accept(parsed as CanonicalUrl)
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

function userinfoFlaw(url: URL): string | undefined {
  return url.username !== '' || url.password !== '' ? 'userinfo' : undefined
}

function fragmentFlaw(url: string): string | undefined {
  return url.includes('#') ? 'fragment' : undefined
}

// Plain segments, the common case, need no closer look.
const plainPath = /^(?:\/(?:[A-Za-z0-9_~-]+(?:\.[A-Za-z0-9_~-]+)*))*\/?$/

/** Says what makes a path ambiguous, if anything does. */
export function pathFlaw(path: string): string | undefined {
  if (plainPath.test(path)) return undefined
  if (!path.startsWith('/')) return 'relative'
  if (path.includes('//')) return 'empty_segment'
  if (path.includes('\\')) return 'backslash'
  if (path.includes(';')) return 'path_parameter'
  // Every printable ASCII character that a path may hold as itself (RFC 3986 section 3.3).
  if (!/^[A-Za-z0-9\-._~!$&'()*+,=:@/%]*$/.test(path)) return 'character'
  if (/%(?![0-9A-Fa-f]{2})/.test(path)) return 'escape'
  const escaped = escapeFlaw(path)
  if (escaped !== undefined) return escaped
  if (path.split('/').some((segment) => segment === '.' || segment === '..')) return 'dot_segment'
  // Origins on some file systems trim these, and read another name.
  if (/(?:\.|%20)(?:\/|$)/.test(path)) return 'trailing_dot_or_space'
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
  try {
    const decoded = decodeURIComponent(path)
    // C1 controls and the invisible characters that reorder or join text.
    if (/[\u0080-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2064\ufeff]/.test(decoded))
      return 'control'
    // Letters that fold into the dangerous ASCII ones: full-width slash, backslash, dot, percent, semicolon.
    if (/[\uff0f\uff3c\uff0e\uff05\uff1b\u2024\u2025\u2044\u2215\u29f5\u29f8\ufe68]/.test(decoded))
      return 'lookalike'
  } catch {
    // decodeURIComponent refuses overlong and broken UTF-8.
    return 'utf8'
  }
  return undefined
}
