/**
 * The bearer token of a request (RFC 6750 section 2.1): in the `Authorization` header and nowhere else.
 */
import { accept, deny, type Result } from '../denial.ts'
import type { CanonicalUrl } from './canonical-url.ts'

/** Bounds what a crafted header can cost; the longest encrypted token fits. */
const longestHeader = 33_000
/** Of a form that is looked through for a token that does not belong there. Longer ones are streamed unread. */
const longestForm = 16_384

/** The token; `undefined` where the request has none, or a scheme that is not ours to judge. */
export function readBearer(
  request: Request,
  { search }: Pick<CanonicalUrl, 'search'>,
): Result<string | undefined> {
  // An address ends up in logs, histories and referrers. attack: token-in-query
  if (search !== '' && new URLSearchParams(search).has('access_token'))
    return deny({ reason: 'token_in_query' })
  const header = request.headers.get('authorization')
  if (header === null) return accept(undefined)
  if (header.length > longestHeader) return deny({ reason: 'headers_too_large' })
  const [scheme = '', ...rest] = header.split(' ')
  if (scheme.toLowerCase() !== 'bearer') {
    // Two header lines arrive as one, joined by a comma. attack: several-credentials
    return /,\s*bearer\s/i.test(header)
      ? deny({ reason: 'credentials_several' })
      : accept(undefined)
  }
  const token = rest.join(' ').trim()
  if (token.includes(',')) return deny({ reason: 'credentials_several' })
  // b64token of RFC 6750.
  return /^[A-Za-z0-9._~+/-]+=*$/.test(token) ? accept(token) : deny({ reason: 'token_malformed' })
}

/**
 * Refuses a small form that carries a token (RFC 6750 section 2.2): it would be a second credential, and one that
 * an origin might believe. The body itself stays to be forwarded. attack: several-credentials
 */
export async function checkForm(request: Request): Promise<Result<true>> {
  if (request.body === null) return accept(true)
  const type = request.headers.get('content-type') ?? ''
  const length = Number(request.headers.get('content-length') ?? Number.NaN)
  if (!/^application\/x-www-form-urlencoded\s*(?:;|$)/i.test(type)) return accept(true)
  if (!(length <= longestForm)) return accept(true)
  const body = new TextDecoder().decode(await request.clone().arrayBuffer())
  const form = new URLSearchParams(body)
  return form.has('access_token') ? deny({ reason: 'token_in_body' }) : accept(true)
}
