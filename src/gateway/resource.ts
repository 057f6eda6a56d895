/**
 * The protected resources of a site (RFC 9728): what an API client needs to know to get a token, generated from
 * the routes.
 */
import type { Site } from '../config/config.ts'
import type { Route } from '../config/route.ts'
import { literalPrefix } from '../config/route-pattern.ts'
import { accept, deny, type Result } from '../denial.ts'
import type { Visit } from '../http/visit.ts'

export const resourcePath = '/.well-known/oauth-protected-resource'

/** Changes with a deployment only. */
const maxAge = 300

export function acceptsTokens(route: Route): boolean {
  return route.access.any.has('bearer') || route.access.any.has('machine')
}

/** Where a route's metadata is: the well-known path goes between host and path (RFC 9728 section 3.1). */
export function metadataUrl(origin: string, route: Route): string {
  const path = resourceOf(route)
  return `${origin}${resourcePath}${path === '/' ? '' : path}`
}

/** The literal part of a route's pattern: what its resources have in common. */
function resourceOf(route: Route): string {
  return literalPrefix(route.path).slice(0, -1) || '/'
}

/** Answers `/.well-known/oauth-protected-resource`, alone for the whole site, or followed by a resource's path. */
export function answerResource({ request, url, site }: Visit): Result<Response> {
  const path = url.pathname.slice(resourcePath.length)
  const routes = site.routes.all.filter(
    (route) => acceptsTokens(route) && (path === '' || resourceOf(route) === path),
  )
  if (routes.length === 0) return deny({ reason: 'route_unknown' })
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    return deny({ reason: 'method_not_allowed', allow: ['GET', 'HEAD'] })
  }
  return accept(
    Response.json(describe(site, routes, `${url.origin}${path}`), {
      headers: {
        'cache-control': `public, max-age=${maxAge}`,
        'access-control-allow-origin': '*',
        'sallyport-response': 'true',
        'x-content-type-options': 'nosniff',
      },
    }),
  )
}

function describe(
  site: Site,
  routes: readonly Route[],
  resource: string,
): Readonly<Record<string, unknown>> {
  const rules = routes.map(({ access }) => access)
  const scopes = unique(rules.flatMap((rule) => [...rule.scopes, ...rule.scopesAny]))
  return {
    resource,
    authorization_servers: unique(
      rules.flatMap(({ issuers }) => issuers.map(({ issuer }) => issuer)),
    ),
    bearer_methods_supported: ['header'],
    ...(scopes.length === 0 ? {} : { scopes_supported: scopes }),
    resource_name: site.id,
  }
}

function unique(values: readonly string[]): readonly string[] {
  return [...new Set(values)]
}
