/**
 * Events of the Shared Signals Framework (OpenID CAEP 1.0, RFC 9493): which sessions and people they end.
 */
import type { MarkTarget } from '../revocation/mark.ts'
import { type EventToken, isObject } from './event-token.ts'

const caep = 'https://schemas.openid.net/secevent/caep/event-type/'
/** After these nothing that was issued before is good. */
const ending = [`${caep}session-revoked`, `${caep}credential-change`]

/** Nothing for events of other types, such as the verification of a stream. */
export function targetsOf({ issuer, events, claims }: EventToken): readonly MarkTarget[] {
  return ending.flatMap((type) => {
    const event = events.get(type)
    if (event === undefined) return []
    // RFC 9493 puts the subject beside the events; drafts put it inside.
    return targetsOfSubject(claims['sub_id'] ?? event['subject'], issuer)
  })
}

function targetsOfSubject(subject: unknown, issuer: string): readonly MarkTarget[] {
  if (!isObject(subject)) return []
  const { format, iss, sub, id } = subject
  if (format === 'complex') {
    // The narrower of the two: a session, if one is named.
    const session = targetsOfSubject(subject['session'], issuer)
    return session.length > 0 ? session : targetsOfSubject(subject['user'], issuer)
  }
  if (format === 'iss_sub' && typeof iss === 'string' && typeof sub === 'string')
    return [{ kind: 'subject', issuer: iss, id: sub }]
  if (format === 'opaque' && typeof id === 'string')
    return [{ kind: 'provider_session', issuer, id }]
  return []
}
