/**
 * One request to a custodian, and what its answer means. What the custodian writes is judged and never passed on:
 * a fault says in our words which request failed, and how.
 */
import type { CustodyParty } from '../../config/custody.ts'
import { isTable } from '../../config/field.ts'
import { Fault } from '../../fault.ts'
import { decodeBase64 } from './base64.ts'
import type { CustodyOutbound } from './custodian.ts'
import { p256FromDer } from './ecdsa-der.ts'

export type Answer = Readonly<Record<string, unknown>>

export interface Question {
  /** For the log, in our words: `sign with assertions:3`. */
  readonly purpose: string
  readonly url: string
  readonly method?: 'GET' | 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | URLSearchParams
  /** Whether an answer of status 400 says that there are too many requests, where the API says it so. */
  readonly isThrottling?: (answer: Answer) => boolean
}

/** The JSON of an answer of status 200. Throws `Fault` (`custody_unreachable`, `custody_refused`, `custody_malformed`). */
export async function ask(
  outbound: CustodyOutbound,
  party: Pick<CustodyParty, 'id' | 'timeout' | 'insecure'>,
  { purpose, url, method = 'POST', headers, body, isThrottling }: Question,
): Promise<Answer> {
  const response = await outbound(party, url, { method, headers, body })
  const { status } = response
  const to = `${party.id} answered ${status} when asked to ${purpose}`
  if (status === 429 || status >= 500) throw new Fault('custody_unreachable', to)
  // Where it points is not looked at: our credentials are for the configured host. attack: custodian-redirect
  if (status >= 300 && status < 400)
    throw new Fault('custody_malformed', `${to}: no redirect is followed`)
  const answer = parseTable(await response.arrayBuffer())
  if (status === 400 && answer !== undefined && isThrottling?.(answer) === true)
    throw new Fault('custody_unreachable', `${to}: too many requests`)
  if (status !== 200) throw new Fault('custody_refused', to)
  if (answer === undefined) throw new Fault('custody_malformed', `${to}, and not with JSON`)
  return answer
}

/** By its bytes: AWS calls its JSON by a media type of its own, and the runtime warns whoever reads such a body as text. */
function parseTable(body: ArrayBuffer): Answer | undefined {
  try {
    const value: unknown = JSON.parse(new TextDecoder().decode(body))
    return isTable(value) ? value : undefined
  } catch {
    // Not JSON: the caller says so, without the text.
    return undefined
  }
}

/** The member at the end of a path of names. */
export function memberOf(answer: Answer, ...path: readonly string[]): unknown {
  let value: unknown = answer
  for (const name of path) {
    if (!isTable(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** As above, where it must be text. Throws `Fault` (`custody_malformed`). */
export function textOf(answer: Answer, ...path: readonly string[]): string {
  const value = memberOf(answer, ...path)
  if (typeof value === 'string') return value
  throw new Fault('custody_malformed', `the answer has no text ${path.join('.')}`)
}

/**
 * The signature at the end of a path, as a JWS carries it. Throws `Fault` (`custody_malformed`) where it is none; `by` says whose
 * and whereby, for the log.
 */
export function signatureOf(
  answer: Answer,
  member: string,
  alg: string,
  by: string,
): Uint8Array<ArrayBuffer> {
  const bytes = decodeBase64(textOf(answer, member))
  const signature = alg === 'ES256' && bytes !== undefined ? p256FromDer(bytes) : bytes
  if (signature !== undefined) return signature
  throw new Fault('custody_malformed', `what ${by} is no signature`)
}
