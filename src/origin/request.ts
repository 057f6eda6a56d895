/** The assertion in a request's headers, in whatever form the server has them. */
import { refuse, type Verification } from './assertion.ts'

/** As Node has them: names in any case, values that may stand more than once. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>
export type WithHeaders =
  | HeadersLike
  | HeaderRecord
  | { readonly headers: HeadersLike | HeaderRecord }

/** Of `Headers` that which is needed, so that no version's types stand in the way. */
export interface HeadersLike {
  get(name: string): string | null
}

type Found =
  | { readonly ok: true; readonly assertion: string }
  | (Verification & { readonly ok: false })

/**
 * `Sallyport-Assertion` goes first: where a route sends it, `Authorization` may hold something else. A header that
 * stands twice is refused, since every reader would pick its own.
 */
export function assertionIn(request: WithHeaders): Found {
  const headers = headersOf(request)
  const own = valuesOf(headers, 'sallyport-assertion')
  const authorization = valuesOf(headers, 'authorization')
  const [value, second] = own.length > 0 ? own : authorization
  if (value === undefined) return { ok: false, refusal: { reason: 'assertion_missing' } }
  if (second !== undefined) return refuse('grammar')
  if (own.length > 0) return { ok: true, assertion: value.trim() }
  const token = /^bearer +([^\s,]+) *$/i.exec(value)?.[1]
  if (token !== undefined) return { ok: true, assertion: token }
  // Credentials of another scheme are none of ours; a broken `Bearer` is a broken assertion.
  return /^bearer\b/i.test(value)
    ? refuse('grammar')
    : { ok: false, refusal: { reason: 'assertion_missing' } }
}

function headersOf(request: WithHeaders): HeadersLike | HeaderRecord {
  const { headers } = request as { readonly headers?: unknown }
  // A client may send a header of this name, which is then a text.
  return typeof headers === 'object' && headers !== null && !Array.isArray(headers)
    ? (headers as HeadersLike | HeaderRecord)
    : (request as HeadersLike | HeaderRecord)
}

function valuesOf(headers: HeadersLike | HeaderRecord, name: string): readonly string[] {
  if (typeof headers.get === 'function') {
    const value = headers.get(name)
    return value === null ? [] : [value]
  }
  return Object.entries(headers as HeaderRecord)
    .filter(([key]) => key.toLowerCase() === name)
    .flatMap(([, value]) => value ?? [])
}
