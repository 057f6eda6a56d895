/**
 * The refresh cookie: `<session id>.<number>.<MAC>`. Opaque to the browser; the only thing that can renew.
 *
 * The session id is published (assertions carry it as `sid`), so it proves nothing: the MAC, under a random
 * key that only the session's object holds, does. attack: session-id-as-secret
 */
import { encodeBase64url } from '../base64url.ts'
import { equalSecrets } from '../digest.ts'

/** Names a session object; not a secret. */
export type SessionId = `ses_${string}`

export interface RefreshCookie {
  readonly sessionId: SessionId
  readonly number: number
  readonly mac: string
}

const grammar = /^(ses_[A-Za-z0-9_-]{22})\.(0|[1-9][0-9]{0,8})\.([A-Za-z0-9_-]{43})$/

export function parseRefreshCookie(text: string): RefreshCookie | undefined {
  const [, sessionId, number, mac] = grammar.exec(text) ?? []
  if (sessionId === undefined || number === undefined || mac === undefined) return undefined
  return { sessionId: sessionId as SessionId, number: Number(number), mac }
}

/** `key`: the session's own, 32 random bytes. */
export async function formatRefreshCookie(
  sessionId: SessionId,
  number: number,
  key: Uint8Array<ArrayBuffer>,
): Promise<string> {
  return `${sessionId}.${number}.${await macOf(sessionId, number, key)}`
}

/** Whether the session with this key handed the cookie out, at whatever time. */
export async function isAuthentic(
  cookie: RefreshCookie,
  key: Uint8Array<ArrayBuffer>,
): Promise<boolean> {
  return equalSecrets(cookie.mac, await macOf(cookie.sessionId, cookie.number, key))
}

async function macOf(
  sessionId: SessionId,
  number: number,
  key: Uint8Array<ArrayBuffer>,
): Promise<string> {
  const hmac = await crypto.subtle.importKey('raw', key, { name: 'HMAC', hash: 'SHA-256' }, false, [
    'sign',
  ])
  // The id has a fixed length, so that the pair has one spelling.
  const message = new TextEncoder().encode(`sallyport refresh 1 ${sessionId} ${number}`)
  return encodeBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', hmac, message)))
}
