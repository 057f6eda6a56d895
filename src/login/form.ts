/**
 * Reading a form that somebody posts to us: small, of the right type, or refused.
 */
import { accept, deny, type Result } from '../denial.ts'
import { isShort } from '../http/length.ts'

const mostBytes = 65_536

export async function readForm(request: Request): Promise<Result<URLSearchParams>> {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]?.trim().toLowerCase()
  // A browser states the length of a form; a body without one is not read to find out.
  if (type !== 'application/x-www-form-urlencoded' || !isShort(request.headers, mostBytes)) {
    return deny({ reason: 'body_not_a_form' })
  }
  return accept(new URLSearchParams(await request.text()))
}
