/**
 * Userinfo (OpenID Connect Core section 5.3): claims that the provider keeps out of the ID token.
 */
import { processUserInfoResponse, userInfoRequest } from 'oauth4webapi'
import { clientOf, httpOptions } from './client.ts'
import { proofsBy, withNonce } from './dpop.ts'
import { providerFault } from './failure.ts'
import type { OidcParties, ProviderTokens } from './tokens.ts'

/** The claims, for the subject of the ID token only (section 5.3.2). Throws `Fault`. */
export async function fetchUserinfo(
  { provider, metadata, outbound }: OidcParties,
  { accessToken, proofKey }: Pick<ProviderTokens, 'accessToken' | 'proofKey'>,
  subject: string,
): Promise<Readonly<Record<string, unknown>>> {
  const client = clientOf(provider)
  try {
    const options = { ...httpOptions(provider, outbound), ...(await proofsBy(provider, proofKey)) }
    return await withNonce(async () =>
      processUserInfoResponse(
        metadata,
        client,
        subject,
        await userInfoRequest(metadata, client, accessToken, options),
      ),
    )
  } catch (error) {
    throw providerFault(error, 'userinfo')
  }
}
