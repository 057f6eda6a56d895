/**
 * What operators send: a small JSON object.
 */
import { accept, deny, type Result } from '../denial.ts'
import { isShort } from '../http/length.ts'

export type Body = Readonly<Record<string, unknown>>

/** `parameter_malformed` (`body`) for anything but an object of 16 KB at most, of stated length. */
export async function readBody(request: Request): Promise<Result<Body>> {
  const malformed = deny({ reason: 'parameter_malformed', parameter: 'body' })
  if (!isShort(request.headers, 16_384)) return malformed
  try {
    const value: unknown = await request.json()
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? accept(value as Body)
      : malformed
  } catch {
    return malformed
  }
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.length <= 2048
}
