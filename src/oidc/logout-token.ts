/**
 * Logout tokens (OpenID Connect Back-Channel Logout 1.0 section 2.6): who has signed out at the provider.
 */
import type { Provider } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import type { MarkTarget } from '../revocation/mark.ts'
import { EventToken } from './event-token.ts'
import type { ProviderDirectory } from './provider-documents.ts'

const logoutEvent = 'http://schemas.openid.net/event/backchannel-logout'

export interface Logout {
  readonly token: EventToken
  /** The provider's one session where it names one, else everything of the person. */
  readonly target: MarkTarget
}

/** `event_refused` with the check that failed. */
export async function verifyLogoutToken(
  text: string,
  provider: Provider,
  directory: ProviderDirectory,
  now: number,
): Promise<Result<Logout>> {
  const verified = await EventToken.verify(
    text,
    directory,
    {
      sender: provider,
      algorithms: [provider.idTokenAlgorithm],
      audience: provider.clientId,
      // Providers of before the type was recommended send none.
      types: ['logout+jwt', 'jwt', ''],
      mustExpire: true,
    },
    now,
  )
  if (!verified.ok) return verified
  const token = verified.value
  const { issuer, subject } = token
  const { sid } = token.claims
  if (!token.events.has(logoutEvent)) return deny({ reason: 'event_refused', check: 'event' })
  if (typeof sid === 'string' && sid !== '')
    return accept({ token, target: { kind: 'provider_session', issuer, id: sid } })
  return subject === undefined
    ? deny({ reason: 'event_refused', check: 'claim_missing' })
    : accept({ token, target: { kind: 'subject', issuer, id: subject } })
}
