/**
 * Userinfo (OpenID Connect Core section 5.3): claims that the provider keeps out of the ID token.
 */
import { processUserInfoResponse, userInfoRequest } from 'oauth4webapi'
import { clientOf, httpOptions } from './client.ts'
import { providerFault } from './failure.ts'
import type { OidcParties } from './tokens.ts'

/** The claims, for the subject of the ID token only (section 5.3.2). Throws `Fault`. */
export async function fetchUserinfo(
  { provider, metadata, outbound }: OidcParties,
  accessToken: string,
  subject: string,
): Promise<Readonly<Record<string, unknown>>> {
  const client = clientOf(provider)
  try {
    const response = await userInfoRequest(
      metadata,
      client,
      accessToken,
      httpOptions(provider, outbound),
    )
    return await processUserInfoResponse(metadata, client, subject, response)
  } catch (error) {
    throw providerFault(error, 'userinfo')
  }
}
