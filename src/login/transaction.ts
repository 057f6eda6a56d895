/**
 * An unfinished login. It travels inside `state`, sealed, and costs us no storage; one small cookie ties it
 * to the browser. Ten tabs share the cookie, each has its own `state`.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { equalSecrets, sha256 } from '../digest.ts'
import type { LocalPath } from '../http/return-to.ts'
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
  /** SHA-256 of the login cookie. */
  readonly browser: string
  readonly startedAt: number
}

export async function sealTransaction(seal: Seal, site: Site, transaction: Transaction): Promise<string> {
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
  loginCookie: string | undefined,
): Promise<Result<true>> {
  if (loginCookie === undefined) return deny({ reason: 'login_cookie_missing' })
  return equalSecrets(await sha256(loginCookie), transaction.browser)
    ? accept(true)
    : deny({ reason: 'login_cookie_mismatch' })
}

/** A login cookie that we could have made, to be kept for the next tab. */
export function isLoginCookie(value: string | undefined): value is string {
  return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value)
}
