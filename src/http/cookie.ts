/**
 * Cookie and Set-Cookie grammar (RFC 6265bis), as far as our own cookies need it.
 */
import type { CookieProfile } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'

/** Our cookies in one request; absent where the browser sent none. */
export interface OwnCookies {
  readonly access: string | undefined
  readonly refresh: string | undefined
  readonly login: string | undefined
}

/** Bounds what a crafted header can cost; browsers stop at about 4 KB a cookie. */
const longestCookieHeader = 32_768

/**
 * Reads our three cookies. Names are compared byte for byte: white space that is not SP or HTAB is part of a
 * name (a lookalike with U+00A0 is another cookie). A name that stands twice is refused: which one a
 * browser meant cannot be known. attack: cookie-name-confusion
 */
export function readOwnCookies(header: string | null, names: CookieProfile): Result<OwnCookies> {
  if (header === null) return accept({ access: undefined, refresh: undefined, login: undefined })
  if (header.length > longestCookieHeader) return deny({ reason: 'headers_too_large' })
  const found = new Map<string, string>()
  for (const pair of header.split(';')) {
    const equals = pair.indexOf('=')
    const name = trim(pair.slice(0, Math.max(equals, 0)))
    const cookie = equals === -1 ? undefined : ownCookie(name, names)
    if (cookie === undefined) continue
    if (found.has(cookie)) return deny({ reason: 'cookie_duplicated', cookie })
    found.set(cookie, trim(pair.slice(equals + 1)))
  }
  return accept({
    access: found.get('access'),
    refresh: found.get('refresh'),
    login: found.get('login'),
  })
}

/** The header without our cookies, for the origin; `undefined` where nothing is left. */
export function withoutOwnCookies(header: string, names: CookieProfile): string | undefined {
  const others = header.split(';').filter((pair) => {
    const equals = pair.indexOf('=')
    return ownCookie(trim(equals === -1 ? pair : pair.slice(0, equals)), names) === undefined
  })
  const left = others.map(trim).filter((pair) => pair !== '')
  return left.length === 0 ? undefined : left.join('; ')
}

/** A Set-Cookie value. `maxAge` in seconds is also the value's lifetime. */
export function setCookie(name: string, value: string, maxAge: number, names: CookieProfile): string {
  return `${name}=${value}; Max-Age=${Math.max(0, Math.floor(maxAge))}; ${names.attributes}`
}

/** Deletes a cookie: every attribute repeats, or the browser keeps it. attack: cookie-not-deleted */
export function deleteCookie(name: string, names: CookieProfile): string {
  return `${name}=; Max-Age=0; ${names.attributes}`
}

/** Whether an origin's Set-Cookie value would set one of ours. */
export function setsOwnCookie(setCookieValue: string, names: CookieProfile): boolean {
  return ownCookie(trim(setCookieValue.slice(0, (setCookieValue + '=').indexOf('='))), names) !== undefined
}

function ownCookie(name: string, names: CookieProfile): keyof OwnCookies | undefined {
  if (name === names.access) return 'access'
  if (name === names.refresh) return 'refresh'
  if (name === names.login) return 'login'
  return undefined
}

function trim(text: string): string {
  return text.replace(/^[ \t]+|[ \t]+$/g, '')
}
