/**
 * What a route asks and does, in words for a person: each part with its name.
 */
import type { CorsPolicy, Isolation } from '../src/config/browser-policy.ts'
import type { Route, TokenTarget } from '../src/config/route.ts'
import { acceptsTokens, metadataUrl } from '../src/gateway/resource.ts'
import { listOf, partsOf } from './rule-parts.ts'

type Part = readonly [name: string, words: string]

/** `origin` is the site's own. */
export function partsOfRoute(route: Route, origin: string): readonly Part[] {
  const { path, methods, access, upstream, forward } = route
  const which = methods === undefined ? 'every method' : [...methods].join(', ')
  return [
    ['route', `${path}, ${which}`],
    ...partsOf(access).map(({ words }): Part => ['asks', words]),
    ...(acceptsTokens(route) ? tokenParts(route, origin) : []),
    ['upstream', upstreamIn(upstream)],
    ['forward', forwardIn(forward)],
    ...browserParts(route),
  ]
}

function tokenParts(route: Route, origin: string): readonly Part[] {
  const { issuers, audience } = route.access
  return [
    ['issuers', issuers.map(({ id, issuer }) => `${id} (${issuer})`).join(', ')],
    ['audience', listOf(audience, 'or')],
    ['metadata', metadataUrl(origin, route)],
  ]
}

function upstreamIn(upstream: Route['upstream']): string {
  switch (upstream.kind) {
    case 'url':
      return upstream.url.href
    case 'proxy':
      return 'behind a proxy of the site, which asks about each request'
    default:
      return `${upstream.kind} ${upstream.binding}`
  }
}

function forwardIn(forward: Route['forward']): string {
  switch (forward.kind) {
    case 'none':
      return 'nothing of the caller'
    case 'assertion':
      return `an assertion for ${forward.audience}`
    case 'access_token':
      return 'the access token of the caller'
    case 'exchange':
      return `a token in exchange for the caller's${targetIn(forward.target)}`
    case 'client_credentials':
      return `a token of the site's own${targetIn(forward.target)}`
  }
}

function targetIn({ audience, resource, scopes, downgrade }: TokenTarget): string {
  const whom = [audience, resource].filter((name) => name !== undefined).join(' at ')
  const what = scopes.length === 0 ? '' : `, to ${scopes.join(' ')}`
  const how = downgrade === undefined ? '' : ', for whoever bears it'
  return `${whom === '' ? '' : `, for ${whom}`}${what}${how}`
}

/** What it means for pages; silent where the route says nothing to browsers. */
function browserParts({ cors, isolation, pageHeaders, cache, rateLimit }: Route): readonly Part[] {
  const parts: Part[] = []
  if (cors !== undefined) parts.push(['pages', corsIn(cors)])
  const near = isolationIn(isolation)
  if (near !== undefined) parts.push(['pages', near])
  if (pageHeaders !== undefined)
    parts.push([
      'pages',
      pageHeaders.needsNonce ? 'get our headers, and a nonce in their tags' : 'get our headers',
    ])
  if (cache === 'origin') parts.push(['caches', 'may keep answers as the origin says'])
  if (rateLimit !== undefined) {
    const { id, limit, period } = rateLimit.limit
    parts.push(['limit', `${id}: ${limit} in ${period} s for each ${rateLimit.per}`])
  }
  return parts
}

function corsIn({ origins, methods, credentials }: CorsPolicy): string {
  const whose = origins === '*' ? 'of every origin' : `of ${listOf([...origins], 'and')}`
  return `${whose} may read answers to ${methods}${credentials ? ', with cookies' : ''}`
}

function isolationIn(isolation: Isolation): string | undefined {
  switch (isolation) {
    case 'off':
      return undefined
    case 'same_site':
      return 'of other sites may only lead a person there'
    case 'same_origin':
      return 'of other origins may only lead a person there'
  }
}
