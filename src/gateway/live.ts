/**
 * Connections that outlive their request: WebSockets and event streams. They end when the authority that opened
 * them is revoked or runs out, within the route's bound. attack: connection-outlives-revocation
 */
import type { RevocationPolicy } from '../config/route.ts'
import type { HeaderFields } from '../http/edited-headers.ts'
import type { Visit } from '../http/visit.ts'
import type { Authority } from '../revocation/connections.ts'
import { type Caller, revocableOf } from './authorize.ts'

/** `undefined` where there is nobody whose authority could end, or the route lets connections be. */
export function authorityOf(
  caller: Caller,
  visit: Visit,
  policy: RevocationPolicy,
): Authority | undefined {
  if (caller.kind === 'anonymous' || !policy.watchConnections) return undefined
  const endsAt = caller.kind === 'session' ? caller.endsAt : caller.token.expiresAt
  return { what: revocableOf(caller, visit), policy, endsAt }
}

/** Whether the answer is one that stays open. */
export function isEventStream(headers: HeaderFields): boolean {
  return /^text\/event-stream\s*(?:;|$)/i.test(headers.get('content-type') ?? '')
}
