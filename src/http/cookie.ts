/**
 * Cookie and Set-Cookie grammar (RFC 6265bis), as far as our own cookies need it.
 */
import type { CookieProfile } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'

/** Our cookies in one request; absent where the browser sent none. */
export interface OwnCookies {
  readonly access: string | undefined
  readonly refresh: string | undefined
  /** One for each login that is under way, by its id, oldest first. */
  readonly logins: ReadonlyMap<string, string>
}

/** Bounds what a crafted header can cost; browsers stop at about 4 KB a cookie. */
const longestCookieHeader = 32_768

/**
 * Reads our cookies. Names are compared byte for byte: white space that is not SP or HTAB is part of a
 * name (a lookalike with U+00A0 is another cookie). A name that stands twice is refused: which one a
 * browser meant cannot be known. attack: cookie-name-confusion
 */
export function readOwnCookies(header: string | null, names: CookieProfile): Result<OwnCookies> {
  if (header === null) return accept({ access: undefined, refresh: undefined, logins: noLogins })
  if (header.length > longestCookieHeader) return deny({ reason: 'headers_too_large' })
  let access: string | undefined
  let refresh: string | undefined
  let logins: Map<string, string> | undefined
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    if (equals === -1) continue
    const name = trim(pair.slice(0, equals))
    const value = trim(pair.slice(equals + 1))
    if (name === names.access) {
      if (access !== undefined) return duplicated(name)
      access = value
    } else if (name === names.refresh) {
      if (refresh !== undefined) return duplicated(name)
      refresh = value
    } else if (name.startsWith(names.login)) {
      const id = name.slice(names.login.length)
      // It comes from the client: it is not named in a log.
      if (logins?.has(id) === true) return duplicated(names.login)
      ;(logins ??= new Map()).set(id, value)
    }
  }
  return accept({ access, refresh, logins: logins ?? noLogins })
}

const noLogins: ReadonlyMap<string, string> = new Map()

function duplicated(cookie: string): Result<never> {
  return deny({ reason: 'cookie_duplicated', cookie })
}

/** The header without our cookies, for the origin; `undefined` where nothing is left. */
export function withoutOwnCookies(header: string): string | undefined {
  if (header !== '' && !/sallyport-/i.test(header)) return header
  const others = header.split(';').filter((pair) => {
    const equals = pair.indexOf('=')
    return !isOwnCookie(trim(equals === -1 ? pair : pair.slice(0, equals)))
  })
  const left = others.map(trim).filter((pair) => pair !== '')
  return left.length === 0 ? undefined : left.join('; ')
}

/** A Set-Cookie value. `maxAge` in seconds is also the value's lifetime. */
export function setCookie(
  name: string,
  value: string,
  maxAge: number,
  names: CookieProfile,
): string {
  return `${name}=${value}; Max-Age=${Math.max(0, Math.floor(maxAge))}; ${names.attributes}`
}

/** Deletes a cookie: every attribute repeats, or the browser keeps it. attack: cookie-not-deleted */
export function deleteCookie(name: string, names: CookieProfile): string {
  return `${name}=; Max-Age=0; ${names.attributes}`
}

/**
 * Whether a Set-Cookie line sets, or may set in some browser, a cookie with a name of ours: of the name everything
 * but token characters is ignored, and so is case. A line without a name (`=name=value`, or a name alone) comes back
 * from a browser as its value. attack: origin-sets-our-cookies
 */
export function setsOwnCookie(setCookieValue: string): boolean {
  const [pair = ''] = setCookieValue.split(';', 1)
  const name =
    pair
      .split('=')
      .map(foldName)
      .find((part) => part !== '') ?? ''
  return isOwnCookie(name)
}

function foldName(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9_-]/g, '')
}

/** Of whatever profile: a cookie of before the site's options changed is still nobody else's. */
function isOwnCookie(name: string): boolean {
  return /^(?:__Host-(?:Http-)?)?sallyport-/i.test(name)
}

function trim(text: string): string {
  // By hand: a pattern for both ends takes quadratic time on white space inside. attack: slow-pattern
  let [start, end] = [0, text.length]
  while (start < end && isBlank(text.charCodeAt(start))) start += 1
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1
  return text.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
