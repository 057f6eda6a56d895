/**
 * `routes[].forward` → `Forward`: what of the caller goes along.
 */
import type { Provider } from './config.ts'
import type { Report } from './field.ts'
import type { AccessRule, Forward } from './route.ts'
import type { WrittenRoute, WrittenSite } from './schema.ts'

interface Of {
  readonly site: WrittenSite
  /** The site's, where there is one by that name. */
  readonly provider: Provider | undefined
}

export function parseForward(
  { forward, upstream }: WrittenRoute,
  path: string,
  { any }: AccessRule,
  { site, provider }: Of,
  report: Report,
): Forward {
  const parsed = read(forward, path, report)
  const { kind } = parsed
  if (kind === 'none') return parsed
  if (any.size === 1 && any.has('anonymous')) {
    report(`${path}.forward`, 'has nobody to tell of: the route knows no caller')
  } else if (kind === 'client_credentials' && any.has('anonymous')) {
    // attack: own-token-for-everybody
    report(`${path}.forward`, "would lend the site's own token to everybody: leave out anonymous")
  }
  if (kind !== 'assertion' && kind !== 'access_token' && site.provider === undefined)
    report(`${path}.forward`, 'asks the provider for a token, and the site has none')
  // A proof is for the request that we send ourselves.
  if (upstream.proxy === true && provider?.dpop === true && isBound(parsed))
    report(
      `${path}.forward`,
      'is a token bound to our key (dpop), which a proxy cannot prove: forward an assertion, or downgrade',
    )
  return parsed
}

function isBound(forward: Forward): boolean {
  if (forward.kind === 'access_token') return true
  return (
    (forward.kind === 'exchange' || forward.kind === 'client_credentials') &&
    forward.target.downgrade === undefined
  )
}

function read(forward: WrittenRoute['forward'], path: string, report: Report): Forward {
  if (forward === 'none' || forward === 'access_token') return { kind: forward }
  const { assertion, exchange, client_credentials: own } = forward
  if ([assertion, exchange, own].filter((kind) => kind !== undefined).length !== 1)
    report(`${path}.forward`, 'must have exactly one of assertion, exchange, client_credentials')
  if (assertion !== undefined) return { kind: 'assertion', ...assertion }
  if (exchange !== undefined) {
    // A token like the one before would be got for nothing.
    if (
      exchange.audience === undefined &&
      exchange.resource === undefined &&
      exchange.scopes.length === 0
    )
      report(`${path}.forward.exchange`, 'must name an audience, a resource or scopes')
    return { kind: 'exchange', target: exchange }
  }
  const none = { audience: undefined, resource: undefined, scopes: [], downgrade: undefined }
  return { kind: 'client_credentials', target: own ?? none }
}
