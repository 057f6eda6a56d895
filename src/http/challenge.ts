/**
 * `WWW-Authenticate` for API clients: RFC 6750 section 3, RFC 9470 section 3, RFC 9728 section 5.1.
 */
import type { Denial } from '../denial.ts'

/** `resourceMetadata` is the URL of the protected resource's metadata. A request without a credential learns no more. */
export function challengeFor(denial: Denial, resourceMetadata: string): string | undefined {
  const bare = { resource_metadata: resourceMetadata }
  switch (denial.reason) {
    case 'token_malformed':
    case 'token_in_query':
    case 'token_in_body':
    case 'credentials_several':
      return bearer({ error: 'invalid_request', ...bare })
    case 'token_refused':
    case 'token_revoked':
      return bearer({ error: 'invalid_token', ...bare })
    case 'scope_insufficient':
      return bearer({ error: 'insufficient_scope', scope: denial.missing.join(' '), ...bare })
    case 'caller_kind_refused':
    case 'claims_insufficient':
    case 'client_refused':
      return bearer({ error: 'insufficient_scope', ...bare })
    case 'authentication_insufficient':
      return bearer({
        error: 'insufficient_user_authentication',
        ...(denial.acrValues.length === 0 ? {} : { acr_values: denial.acrValues.join(' ') }),
        ...(denial.maxAge === undefined ? {} : { max_age: String(denial.maxAge) }),
        ...bare,
      })
    case 'token_missing':
    case 'session_missing':
    case 'access_cookie_unreadable':
    case 'refresh_cookie_malformed':
    case 'refresh_cookie_unknown':
    case 'refresh_cookie_reused':
    case 'session_unknown':
    case 'session_idle':
    case 'session_expired':
    case 'grant_revoked':
    case 'subject_changed':
    case 'session_revoked':
      return bearer(bare)
    default:
      return undefined
  }
}

/** Every value is the configuration's or ours; what would end a quoted string is left out all the same. */
function bearer(parameters: Readonly<Record<string, string>>): string {
  const list = Object.entries(parameters).map(
    ([name, value]) => `${name}="${value.replaceAll(/[^\x20\x21\x23-\x5B\x5D-\x7E]/g, '')}"`,
  )
  return `Bearer ${list.join(', ')}`
}
