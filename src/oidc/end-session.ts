/**
 * The end of a session at the provider: RP-initiated logout (OpenID Connect RP-Initiated Logout 1.0) and the
 * revocation of the refresh token (RFC 7009).
 */
import {
  type AuthorizationServer,
  processRevocationResponse,
  revocationRequest,
} from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import { clientAuthOf, clientOf, httpOptions } from './client.ts'
import { providerFault } from './failure.ts'
import type { OidcParties } from './tokens.ts'

/** Where the browser goes to sign out at the provider; `undefined` where the provider has no such endpoint. */
export function buildEndSessionUrl(
  provider: Provider,
  metadata: AuthorizationServer,
  logout: { readonly idTokenHint: string | undefined; readonly postLogoutRedirectUri: string },
): string | undefined {
  const endpoint = URL.parse(metadata.end_session_endpoint ?? '')
  if (endpoint === null || (endpoint.protocol !== 'https:' && !provider.insecure)) return undefined
  if (logout.idTokenHint !== undefined)
    endpoint.searchParams.set('id_token_hint', logout.idTokenHint)
  endpoint.searchParams.set('client_id', provider.clientId)
  endpoint.searchParams.set('post_logout_redirect_uri', logout.postLogoutRedirectUri)
  return endpoint.href
}

/** Revokes a refresh token. Says whether there was an endpoint to ask; throws `Fault` where asking failed. */
export async function revokeRefreshToken(
  parties: OidcParties,
  refreshToken: string,
): Promise<boolean> {
  const { provider, metadata, outbound } = parties
  if (metadata.revocation_endpoint === undefined) return false
  try {
    const response = await revocationRequest(
      metadata,
      clientOf(provider),
      await clientAuthOf(provider),
      refreshToken,
      {
        ...httpOptions(provider, outbound),
        additionalParameters: { token_type_hint: 'refresh_token' },
      },
    )
    await processRevocationResponse(response)
    return true
  } catch (error) {
    throw providerFault(error, 'revocation')
  }
}
