/**
 * `routes[].cors`, `SITES[].page_headers` → what a route lets pages do and tells browsers: the rules that concern
 * several keys.
 */
import type { CorsPolicy, PageHeaders } from './browser-policy.ts'
import type { WrittenCors, WrittenPageHeaders } from './browser-schema.ts'
import type { Report } from './field.ts'
import { isLoopback } from './loopback.ts'

interface Of {
  /** Of the route; `undefined` is every method. */
  readonly methods: readonly string[] | undefined
  readonly takesSessions: boolean
  readonly development: boolean
}

export function parseCors(
  written: WrittenCors | undefined,
  path: string,
  { methods, takesSessions, development }: Of,
  report: Report,
): CorsPolicy | undefined {
  if (written === undefined) return undefined
  const { origins, credentials } = written
  const every = origins.includes('*')
  // attack: cors-for-everybody
  if (every && origins.length > 1) report(`${path}.origins`, 'holds "*" and others: either, or')
  if (every && credentials) {
    report(`${path}.credentials`, 'does not go with origins = ["*"]: name the origins')
  }
  if (every && takesSessions) {
    report(`${path}.origins`, 'cannot be "*" where the route lets sessions in: name the origins')
  }
  for (const [i, origin] of origins.entries()) {
    const flaw = origin === '*' ? undefined : originFlaw(origin, development)
    if (flaw !== undefined) report(`${path}.origins[${i}]`, flaw)
  }
  const unknown = written.methods?.find((method) => methods?.includes(method) === false)
  if (unknown !== undefined) report(`${path}.methods`, `holds ${unknown}, which the route refuses`)
  const own = credentials && takesSessions ? ['X-CSRF'] : []
  return {
    origins: every ? '*' : new Set(origins),
    methods: (written.methods ?? methods ?? ['GET', 'HEAD', 'POST']).join(', '),
    headers: [...own, ...written.headers].join(', '),
    expose: written.expose.join(', '),
    credentials,
    maxAge: written.max_age,
  }
}

function originFlaw(origin: string, development: boolean): string | undefined {
  const url = URL.parse(origin)
  if (url?.origin !== origin)
    return 'must be written as browsers send it: scheme and host, the port where it is not the standard one'
  if (url.protocol === 'https:' || (development && isLoopback(url.hostname))) return undefined
  return 'must be https; plain http is for loopback pages of a development site'
}

export function parsePageHeaders(
  written: WrittenPageHeaders | undefined,
  path: string,
  development: boolean,
  report: Report,
): PageHeaders | undefined {
  if (written === undefined) return undefined
  const { strict_transport_security: transport, content_security_policy: policy } = written
  const ancestors = written.frame_ancestors
  if (ancestors.includes('none') && ancestors.length > 1) {
    report(`${path}.frame_ancestors`, 'holds "none" and others: either, or')
  }
  if (policy !== undefined && /(?:^|;)\s*frame-ancestors\b/i.test(policy)) {
    report(`${path}.content_security_policy`, 'leaves frame-ancestors to frame_ancestors')
  }
  // A comma would begin another policy, to which ours would not be added.
  if (policy?.includes(',') === true || policy?.endsWith(';') === true) {
    report(
      `${path}.content_security_policy`,
      'must be one policy, without "," and a ";" at the end',
    )
  }
  const always = new Map([['x-content-type-options', 'nosniff']])
  // A browser pins it for the host: on localhost that would be for every project there.
  if (transport !== 'off' && !development) always.set('strict-transport-security', transport)
  const pages = new Map<string, string>([
    ['referrer-policy', written.referrer_policy],
    ['cross-origin-opener-policy', written.cross_origin_opener_policy],
  ])
  if (written.permissions_policy !== undefined)
    pages.set('permissions-policy', written.permissions_policy)
  const sources = ancestors.map((one) => (one.startsWith('https:') ? one : `'${one}'`))
  return {
    always,
    pages,
    frameAncestors: `frame-ancestors ${sources.join(' ')}`,
    frameOptions: frameOptionsOf(ancestors),
    contentSecurityPolicy: policy,
    needsNonce: policy?.includes('{nonce}') === true,
  }
}

function frameOptionsOf(ancestors: readonly string[]): PageHeaders['frameOptions'] {
  if (ancestors.length > 1) return undefined
  return ancestors[0] === 'none' ? 'DENY' : ancestors[0] === 'self' ? 'SAMEORIGIN' : undefined
}
