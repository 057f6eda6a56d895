/**
 * An unfinished login. It travels inside `state`, sealed, and costs us no storage; a small cookie of its own
 * ties it to the browser. Ten tabs that begin at the same moment have ten cookies, and none replaces another's.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { equalSecrets, sha256 } from '../digest.ts'
import { deleteCookie, type OwnCookies, setCookie } from '../http/cookie.ts'
import type { LocalPath } from '../http/return-to.ts'
import type { ProofKey } from '../oidc/dpop.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import type { Seal } from '../seal.ts'

export interface Transaction {
  /** The provider's id and our redirect URI: a response to one login cannot finish another. */
  readonly provider: string
  readonly redirectUri: string
  readonly returnTo: LocalPath
  readonly nonce: string
  readonly codeVerifier: string
  /** Seconds, where the login asked for a recent authentication. */
  readonly maxAge: number | undefined
  /** Where the login asked for one of these ways to sign in; separated by spaces. */
  readonly acrValues: string | undefined
  /** What the code is bound to, and the tokens will be. */
  readonly proofKey?: ProofKey | undefined
  /** Names the login's cookie. */
  readonly id: string
  /** SHA-256 of the cookie's value. */
  readonly browser: string
  /** The session that the browser had when it began; an id without proof, for comparison only. */
  readonly sessionId: SessionId | undefined
  readonly startedAt: number
}

export async function sealTransaction(
  seal: Seal,
  site: Site,
  transaction: Transaction,
): Promise<string> {
  return seal.seal(site.id, 'login', transaction, transaction.startedAt + site.login.lifetime)
}

/** Opens `state`. `login_expired` where it was ours but took too long. */
export async function openTransaction(
  seal: Seal,
  site: Site,
  state: string | null,
  now: number,
): Promise<Result<Transaction>> {
  // attack: missing-state
  if (state === null || state === '') return deny({ reason: 'state_missing' })
  const opened = await seal.open(site.id, 'login', state, now)
  if (opened.ok) return accept(opened.value as Transaction)
  return deny(
    opened.why === 'expired'
      ? { reason: 'login_expired' }
      : { reason: 'state_unreadable', why: opened.why },
  )
}

/** Whether this browser began the login. attack: login-csrf */
export async function checkBrowser(
  transaction: Transaction,
  cookies: OwnCookies,
): Promise<Result<true>> {
  const cookie = cookies.logins.get(transaction.id)
  if (cookie === undefined) return deny({ reason: 'login_cookie_missing' })
  return equalSecrets(await sha256(cookie), transaction.browser)
    ? accept(true)
    : deny({ reason: 'login_cookie_mismatch' })
}

/** Logins of one browser that may be under way; beyond it the oldest are given up. */
const mostLogins = 12

/** The cookie for a login that begins, and the deletion of those that are too many. */
export function loginCookies(
  site: Site,
  cookies: OwnCookies,
  id: string,
  value: string,
): readonly string[] {
  const surplus = [...cookies.logins.keys()].slice(
    0,
    Math.max(0, cookies.logins.size - mostLogins + 1),
  )
  return [
    setCookie(site.cookies.login + id, value, site.login.lifetime, site.cookies),
    ...surplus
      .filter((old) => /^[\w-]{1,32}$/.test(old))
      .map((old) => deleteLoginCookie(site, old)),
  ]
}

export function deleteLoginCookie(site: Site, id: string): string {
  return deleteCookie(site.cookies.login + id, site.cookies)
}
