/**
 * The authentication request (OpenID Connect Core section 3.1.2.1), pushed where the provider offers it
 * (RFC 9126), and the reading of its response (RFC 6749 section 4.1.2, RFC 9207).
 */
import {
  type AuthorizationServer,
  calculatePKCECodeChallenge,
  processPushedAuthorizationResponse,
  pushedAuthorizationRequest,
  validateAuthResponse,
} from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { clientAuthOf, clientOf, httpOptions } from './client.ts'
import { type ProofKey, thumbprintOf } from './dpop.ts'
import { loginDenied, providerFault } from './failure.ts'
import type { Outbound } from './outbound.ts'

export interface AuthorizationRequest {
  readonly redirectUri: string
  readonly state: string
  readonly nonce: string
  readonly codeVerifier: string
  readonly prompt: string | undefined
  /** Seconds. */
  readonly maxAge: number | undefined
  readonly acrValues: string | undefined
  /** Only a request with a proof by it may use the code (RFC 9449 section 10). */
  readonly proofKey?: ProofKey | undefined
}

/** The URL to send the browser to. Throws `Fault` of a `provider_*` kind. */
export async function buildAuthorizationUrl(
  provider: Provider,
  metadata: AuthorizationServer,
  request: AuthorizationRequest,
  outbound: Outbound,
): Promise<string> {
  const endpoint = URL.parse(metadata.authorization_endpoint ?? '')
  if (endpoint === null || (endpoint.protocol !== 'https:' && !provider.insecure)) {
    throw new Fault('provider_malformed', 'discovery names no usable authorization_endpoint')
  }
  const proofs = metadata.dpop_signing_alg_values_supported
  if (request.proofKey !== undefined && proofs?.includes('ES256') === false)
    throw new Fault('provider_misconfigured', 'dpop is on, the provider takes no proofs by ES256')
  const parameters = await authorizationParameters(provider, request)
  const offered = metadata.pushed_authorization_request_endpoint !== undefined
  if (!offered && provider.pushedRequests === 'required') {
    throw new Fault(
      'provider_misconfigured',
      'pushed_requests is "required", the provider offers none',
    )
  }
  if (offered && provider.pushedRequests !== 'never') {
    endpoint.searchParams.set('client_id', provider.clientId)
    endpoint.searchParams.set('request_uri', await push(provider, metadata, parameters, outbound))
    return endpoint.href
  }
  for (const [name, value] of parameters) endpoint.searchParams.set(name, value)
  return endpoint.href
}

/** An allow-list: nothing of the login request gets in but what has a name here. */
async function authorizationParameters(
  provider: Provider,
  request: AuthorizationRequest,
): Promise<URLSearchParams> {
  const parameters = new URLSearchParams([...provider.parameters])
  parameters.set('client_id', provider.clientId)
  parameters.set('response_type', 'code')
  parameters.set('redirect_uri', request.redirectUri)
  parameters.set('scope', provider.scopes.join(' '))
  parameters.set('state', request.state)
  parameters.set('nonce', request.nonce)
  parameters.set('code_challenge', await calculatePKCECodeChallenge(request.codeVerifier))
  parameters.set('code_challenge_method', 'S256')
  if (provider.responseMode !== 'query') parameters.set('response_mode', provider.responseMode)
  // OpenID Connect Core section 11: a refresh token for `offline_access` wants consent asked for. An operator
  // whose provider does not need that says so with `parameters = { prompt = "…" }`.
  const usual = provider.scopes.includes('offline_access') ? 'consent' : undefined
  const prompt = request.prompt ?? provider.parameters.get('prompt') ?? usual
  if (prompt !== undefined) parameters.set('prompt', prompt)
  if (request.maxAge !== undefined) parameters.set('max_age', String(request.maxAge))
  if (request.acrValues !== undefined) parameters.set('acr_values', request.acrValues)
  if (request.proofKey !== undefined)
    parameters.set('dpop_jkt', await thumbprintOf(request.proofKey))
  return parameters
}

async function push(
  provider: Provider,
  metadata: AuthorizationServer,
  parameters: URLSearchParams,
  outbound: Outbound,
): Promise<string> {
  try {
    const client = clientOf(provider)
    const response = await pushedAuthorizationRequest(
      metadata,
      client,
      await clientAuthOf(provider),
      parameters,
      httpOptions(provider, outbound),
    )
    return (await processPushedAuthorizationResponse(metadata, client, response)).request_uri
  } catch (error) {
    throw providerFault(error, 'pushed authorization request')
  }
}

/** Parameters of an authorization response that passed; only `readAuthorizationResponse` makes it. */
export type AuthorizationResponse = ReturnType<typeof validateAuthResponse>

/** Reads the parameters that the provider sent back. `state` is compared by the caller, who can open it. */
export function readAuthorizationResponse(
  provider: Provider,
  metadata: AuthorizationServer,
  parameters: URLSearchParams,
  state: string,
): Result<AuthorizationResponse> {
  // attack: duplicate-parameter
  for (const name of new Set(parameters.keys())) {
    if (parameters.getAll(name).length > 1) {
      return deny({ reason: 'parameter_duplicated', parameter: responseParameter(name) })
    }
  }
  // attack: issuer-mix-up
  const iss = parameters.get('iss')
  const promised = metadata.authorization_response_iss_parameter_supported === true
  if ((iss === null && promised) || (iss !== null && iss !== metadata.issuer)) {
    return deny({ reason: 'response_issuer_mismatch' })
  }
  try {
    const response = validateAuthResponse(metadata, clientOf(provider), parameters, state)
    return parameters.get('code') ? accept(response) : deny({ reason: 'code_missing' })
  } catch (error) {
    const denied = loginDenied(error)
    if (denied !== undefined) return denied
    throw providerFault(error, 'authorization response')
  }
}

/** Parameter names come from outside: only known ones are named in an answer or a log. */
function responseParameter(name: string): string {
  return ['code', 'state', 'iss', 'error', 'error_description', 'session_state'].includes(name)
    ? name
    : 'other'
}
