/**
 * Who acts for the subject of a token (`act`, RFC 8693 section 4.1).
 */

/** As it is told to origins: who acts, for whom that one acts in turn. Nothing else of an `act` is an identity. */
export interface Actor {
  /** Whose names `sub` and `client_id` are. */
  readonly iss: string
  readonly sub?: string
  readonly client_id?: string
  readonly act?: Actor
}

/** A chain that is longer is no delegation that anybody could judge. */
const longest = 4

/** `issuer`: of the token; what names no issuer is named by that one. `undefined` where it cannot be read. */
export function readActor(value: unknown, issuer: string, left = longest): Actor | undefined {
  if (typeof value !== 'object' || value === null || left === 0) return undefined
  const { iss = issuer, sub, client_id: clientId, act } = value as Record<string, unknown>
  if (!isText(iss) || (sub === undefined && clientId === undefined)) return undefined
  if ((sub !== undefined && !isText(sub)) || (clientId !== undefined && !isText(clientId)))
    return undefined
  const inner = act === undefined ? undefined : readActor(act, issuer, left - 1)
  if (act !== undefined && inner === undefined) return undefined
  return {
    iss,
    ...(sub === undefined ? {} : { sub }),
    ...(clientId === undefined ? {} : { client_id: clientId }),
    ...(inner === undefined ? {} : { act: inner }),
  }
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 2048
}
