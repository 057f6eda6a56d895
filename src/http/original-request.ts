/**
 * The request that a proxy asks about, as it tells it in headers: nginx in `X-Original-URL` and `X-Original-Method`,
 * Traefik and Caddy in `X-Forwarded-Method`, `-Proto`, `-Host` and `-Uri`.
 *
 * Nothing is guessed: what is missing, stands twice or is told in another way by the other family of headers is refused.
 */
import type { ProxyKind } from '../config/proxy.ts'
import { accept, deny, type Denied, type Result } from '../denial.ts'
import { type CanonicalUrl, canonicalUrl } from './canonical-url.ts'

export interface Original {
  readonly method: string
  readonly url: CanonicalUrl
}

interface Told {
  readonly method: string
  readonly url: string
}

/** `headers` come from a proxy that has shown that it is one. `original_refused`, or `url_ambiguous`. */
export function readOriginal(kind: ProxyKind, headers: Headers): Result<Original> {
  // Two header lines arrive as one, joined by a comma and a space, which no part of a request line can hold.
  // attack: original-request-ambiguous
  const several = headerNames.some((name) => !/^[!-~]*$/.test(headers.get(name) ?? ''))
  if (several) return refuse('several')
  const told = kind === 'nginx' ? byOriginal(headers) : byForwarded(headers)
  if (!told.ok) return told
  const { method, url: text } = told.value
  // The methods that a Request cannot have are no origin's business either.
  if (!/^[A-Z]{3,16}$/.test(method) || ['CONNECT', 'TRACE', 'TRACK'].includes(method))
    return refuse('method')
  const url = canonicalUrl(text)
  if (!url.ok) return url
  return agrees(headers, { method, url: text }, url.value)
    ? accept({ method, url: url.value })
    : refuse('families')
}

/** Everything by which some proxy tells, or a client pretends, what the original request was. */
export const headerNames: readonly string[] = [
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-forwarded-method',
  'x-forwarded-proto',
  'x-forwarded-host',
  'x-forwarded-uri',
]

function byOriginal(headers: Headers): Result<Told> {
  const url = headers.get('x-original-url')
  const method = headers.get('x-original-method')
  if (url === null || method === null) return refuse('missing')
  return originPattern.test(url) ? accept({ method, url }) : refuse('malformed')
}

function byForwarded(headers: Headers): Result<Told> {
  const said = (part: string) => headers.get(`x-forwarded-${part}`)
  const [method, proto, host, uri] = [
    said('method'),
    said('proto'),
    said('host'),
    said('uri'),
  ] as const
  if (method === null || proto === null || host === null || uri === null) return refuse('missing')
  // Only together do they have to be an address: a host that ends in "/x" would move the path.
  const url = `${proto}://${host}${uri}`
  const whole = uri.startsWith('/') && originPattern.exec(url)?.[0] === `${proto}://${host}/`
  return whole ? accept({ method, url }) : refuse('malformed')
}

/** Scheme and authority, and the slash behind them. */
const originPattern = /^https?:\/\/(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?\//

/** Whether every header of either family that is there says the same. */
function agrees(headers: Headers, { method, url: text }: Told, url: CanonicalUrl): boolean {
  const target = text.slice((originPattern.exec(text)?.[0].length ?? 1) - 1)
  const same: Readonly<Record<string, (said: string) => boolean>> = {
    'x-original-url': (said) => said === text,
    'x-original-uri': (said) => said === target,
    'x-original-method': (said) => said === method,
    'x-forwarded-method': (said) => said === method,
    'x-forwarded-proto': (said) => `${said}:` === url.protocol,
    'x-forwarded-host': (said) => said.toLowerCase() === url.host,
    'x-forwarded-uri': (said) => said === target,
  }
  return Object.entries(same).every(([name, holds]) => {
    const said = headers.get(name)
    return said === null || holds(said)
  })
}

function refuse(flaw: string): Denied {
  return deny({ reason: 'original_refused', flaw })
}
