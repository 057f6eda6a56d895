/**
 * `PROVIDERS[]` → `Provider`.
 */
import type { Provider } from './config.ts'
import type { Report } from './field.ts'
import { isLoopback } from './loopback.ts'
import type { WrittenProvider } from './schema.ts'
import { type Env, parseClientAuth } from './secrets.ts'

/** Parameters that Sallyport sets itself. attack: authorization-parameter-injection */
const reservedParameters: ReadonlySet<string> = new Set([
  'client_id',
  'client_secret',
  'redirect_uri',
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'request',
  'request_uri',
  'max_age',
  'acr_values',
  'dpop_jkt',
  'client_assertion',
  'client_assertion_type',
])

export function parseProvider(
  written: WrittenProvider,
  path: string,
  env: Env,
  report: Report,
): Provider {
  const issuer = URL.parse(written.issuer)
  const insecure = issuer?.protocol === 'http:'
  if (issuer === null || (insecure && !isLoopback(issuer.hostname))) {
    report(`${path}.issuer`, 'must be an https URL; plain http is for a provider on localhost only')
  }
  if (!written.scopes.includes('openid')) {
    report(`${path}.scopes`, 'must contain "openid", or there is no ID token to sign in with')
  }
  for (const name of written.parameters.keys()) {
    if (reservedParameters.has(name)) {
      report(`${path}.parameters.${name}`, 'is set by Sallyport and cannot be given here')
    }
  }
  return Object.freeze({
    id: written.id,
    publisher: `provider ${written.id}`,
    issuer: written.issuer,
    documents: 'openid',
    documentsName: written.issuer,
    coolDown: 30,
    staleFor: 86_400,
    distrustedKeys: new Set(written.distrusted_keys),
    clientId: written.client_id,
    clientAuth: parseClientAuth(written, path, env, report),
    scopes: written.scopes,
    idTokenAlgorithm: written.id_token_algorithm,
    responseMode: written.response_mode,
    pushedRequests: written.pushed_requests,
    userinfo: written.userinfo,
    dpop: written.dpop,
    parameters: written.parameters,
    timeout: written.timeout,
    insecure,
  })
}
