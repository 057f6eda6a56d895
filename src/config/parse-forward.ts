/**
 * `routes[].forward` → `Forward`: what of the caller goes along.
 */
import type { Report } from './field.ts'
import type { AccessRule, Forward } from './route.ts'
import type { WrittenRoute, WrittenSite } from './schema.ts'

export function parseForward(
  { forward }: WrittenRoute,
  path: string,
  { any }: AccessRule,
  { provider }: WrittenSite,
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
  if (kind !== 'assertion' && kind !== 'access_token' && provider === undefined)
    report(`${path}.forward`, 'asks the provider for a token, and the site has none')
  return parsed
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
  const none = { audience: undefined, resource: undefined, scopes: [] }
  return { kind: 'client_credentials', target: own ?? none }
}
