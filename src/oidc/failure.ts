/**
 * oauth4webapi's errors → our denials and faults. None of a provider's text goes any further: not to the
 * wire, not to the log; only error codes from the registered lists do.
 */
import {
  AuthorizationResponseError,
  INVALID_RESPONSE,
  JWT_CLAIM_COMPARISON,
  JWT_TIMESTAMP_CHECK,
  MISSING_SERVER_METADATA,
  OperationProcessingError,
  ResponseBodyError,
  UnsupportedOperationError,
  WWWAuthenticateChallengeError,
} from 'oauth4webapi'
import { deny, type Denied } from '../denial.ts'
import { Fault } from '../fault.ts'

/** Error codes that RFC 6749, OpenID Connect Core, RFC 9126 and RFC 9449 register; others become `other`. */
const registered: ReadonlySet<string> = new Set([
  ...[
    'access_denied',
    'invalid_request',
    'unauthorized_client',
    'unsupported_response_type',
    'invalid_scope',
  ],
  ...['server_error', 'temporarily_unavailable', 'interaction_required', 'login_required'],
  ...['account_selection_required', 'consent_required', 'request_not_supported', 'invalid_target'],
  ...[
    'unmet_authentication_requirements',
    'invalid_client',
    'invalid_grant',
    'unsupported_grant_type',
    'invalid_dpop_proof',
    'use_dpop_nonce',
  ],
])

export function registeredError(error: string): string {
  return registered.has(error) ? error : 'other'
}

/** Anything thrown while talking to a provider → the `Fault` it is. */
export function providerFault(error: unknown, step: string): Fault {
  if (error instanceof Fault) return error
  if (error instanceof ResponseBodyError) {
    const code = registeredError(error.error)
    if (code === 'invalid_client' || code === 'unauthorized_client') {
      return new Fault(
        'provider_misconfigured',
        `${step}: the provider refuses our client (${code})`,
      )
    }
    return new Fault('provider_failed', `${step}: ${code}`)
  }
  if (error instanceof WWWAuthenticateChallengeError)
    return new Fault('provider_misconfigured', `${step}: the provider refuses our client`)
  if (error instanceof OperationProcessingError || error instanceof UnsupportedOperationError) {
    const kind =
      error.code === MISSING_SERVER_METADATA ? 'provider_misconfigured' : statusFault(error)
    return new Fault(kind, `${step}: ${error.code ?? 'unsupported'}`)
  }
  return new Fault('internal', step, { cause: error })
}

/** A wrong status is a failure of the provider, a body that is not what it should be is malformed. */
function statusFault(error: {
  readonly cause?: unknown
}): 'provider_failed' | 'provider_malformed' {
  return error.cause instanceof Response && error.cause.status >= 500
    ? 'provider_failed'
    : 'provider_malformed'
}

/** The token endpoint's `invalid_grant`: the code or refresh token is not good (any more). */
export function isGrantRefused(error: unknown): boolean {
  return error instanceof ResponseBodyError && error.error === 'invalid_grant'
}

/** The token endpoint's word on a token or target that it gives nothing for (RFC 8693 section 2.2.2, RFC 8707). */
export function isTargetRefused(error: unknown): boolean {
  return error instanceof ResponseBodyError && targetErrors.has(error.error)
}

const targetErrors: ReadonlySet<string> = new Set([
  ...['invalid_request', 'invalid_grant', 'invalid_target', 'invalid_scope', 'access_denied'],
])

/** The user or the provider said no at the authorization endpoint. */
export function loginDenied(error: unknown): Denied | undefined {
  if (!(error instanceof AuthorizationResponseError)) return undefined
  return deny({ reason: 'login_denied', error: registeredError(error.error) })
}

/** An ID token that failed one of oauth4webapi's checks → which one. */
export function idTokenDenied(error: unknown): Denied | undefined {
  if (!(error instanceof OperationProcessingError)) return undefined
  const claim = claimOf(error.cause)
  if (error.code === JWT_CLAIM_COMPARISON || error.code === JWT_TIMESTAMP_CHECK) {
    return deny({ reason: 'id_token_refused', check: claim ?? 'claims' })
  }
  // A missing or ill-typed claim, a wrong `alg`: the cause carries the token's parts, an HTTP failure does not.
  if (error.code !== INVALID_RESPONSE || error.cause === undefined) return undefined
  if (claim !== undefined) return deny({ reason: 'id_token_refused', check: claim })
  if (lacksIdToken(error.cause)) return deny({ reason: 'id_token_missing' })
  if (hasMember(error.cause, 'header')) return deny({ reason: 'id_token_refused', check: 'header' })
  return hasMember(error.cause, 'claims')
    ? deny({ reason: 'id_token_refused', check: 'claims' })
    : undefined
}

const namedClaims: ReadonlySet<string> = new Set([
  'iss',
  'aud',
  'azp',
  'exp',
  'iat',
  'nbf',
  'nonce',
  'sub',
  'auth_time',
])

function claimOf(cause: unknown): string | undefined {
  if (typeof cause !== 'object' || cause === null || !('claim' in cause)) return undefined
  return typeof cause.claim === 'string' && namedClaims.has(cause.claim) ? cause.claim : undefined
}

/** A token answer, whole but for the ID token. */
function lacksIdToken(cause: unknown): boolean {
  if (typeof cause !== 'object' || cause === null || !('body' in cause)) return false
  return hasMember(cause.body, 'access_token') && !hasMember(cause.body, 'id_token')
}

function hasMember(cause: unknown, member: string): boolean {
  return typeof cause === 'object' && cause !== null && member in cause
}
