/**
 * Tokens for origins, from the token endpoint: in exchange for another (RFC 8693), or for the site itself (RFC 6749
 * section 4.4).
 */
import {
  clientCredentialsGrantRequest,
  genericTokenEndpointRequest,
  processClientCredentialsResponse,
  processGenericTokenEndpointResponse,
  type TokenEndpointResponse,
} from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import type { TokenTarget } from '../config/route.ts'
import { accept, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { clientAuthOf, clientOf, httpOptions } from './client.ts'
import { checkTokenType, type ProofKey, proofKeyFor, proofsBy, withNonce } from './dpop.ts'
import { isTargetRefused, providerFault } from './failure.ts'
import type { OidcParties } from './tokens.ts'

/** A token to send along, and until when. */
export interface OriginToken {
  readonly token: string
  /** Seconds since 1970. */
  readonly expiresAt: number
  /** What it is bound to; `undefined` for a bearer token. */
  readonly proofKey?: ProofKey | undefined
}

/** Seconds for which a token has to hold yet, to be sent: it must not run out on the way. */
export const reserve = 10

/** Seconds for which a token is believed whose provider does not say. */
export const unsaid = 60

const exchangeGrant = 'urn:ietf:params:oauth:grant-type:token-exchange'
const accessToken = 'urn:ietf:params:oauth:token-type:access_token'

/** What this names is one token: nothing less does. attack: exchanged-token-mix-up */
export function nameOfTarget({ audience, resource, scopes, downgrade }: TokenTarget): string {
  return JSON.stringify([audience ?? null, resource ?? null, scopes, downgrade ?? null])
}

/**
 * A token for the target in exchange for the subject's, bound to the same key where that is bound. `exchange_refused`
 * where the provider does not give one for this token or target; throws `Fault` where it cannot be asked, or refuses our client. `now` in seconds.
 */
export async function exchangeToken(
  parties: OidcParties,
  subject: Pick<OriginToken, 'token' | 'proofKey'>,
  target: TokenTarget,
  now: number,
): Promise<Result<OriginToken>> {
  const { provider, metadata, outbound } = parties
  const client = clientOf(provider)
  try {
    const proofKey = await keyFor(provider, target, subject.proofKey)
    const options = { ...httpOptions(provider, outbound), ...(await proofsBy(provider, proofKey)) }
    const answer = await withNonce(async () =>
      processGenericTokenEndpointResponse(
        metadata,
        client,
        await genericTokenEndpointRequest(
          metadata,
          client,
          await clientAuthOf(provider),
          exchangeGrant,
          {
            subject_token: subject.token,
            subject_token_type: accessToken,
            requested_token_type: accessToken,
            ...parametersOf(target),
          },
          options,
        ),
      ),
    )
    // RFC 8693 section 2.2.1: an ID or refresh token is no token to call with.
    const { issued_token_type: issued } = answer
    if (issued !== accessToken && issued !== 'urn:ietf:params:oauth:token-type:jwt')
      throw new Fault('provider_malformed', 'token exchange: the answer is no access token')
    return accept(originToken(answer, proofKey, 'token exchange', now))
  } catch (error) {
    if (isTargetRefused(error)) return deny({ reason: 'exchange_refused' })
    throw providerFault(error, 'token exchange')
  }
}

/** A token of our own client. Throws `Fault`: that there is none is the configuration's or the provider's doing. */
export async function clientCredentials(
  parties: OidcParties,
  target: TokenTarget,
  now: number,
): Promise<OriginToken> {
  const { provider, metadata, outbound } = parties
  const client = clientOf(provider)
  try {
    // As old as the token: another isolate's token has another key.
    const proofKey = await keyFor(provider, target)
    const options = { ...httpOptions(provider, outbound), ...(await proofsBy(provider, proofKey)) }
    const answer = await withNonce(async () =>
      processClientCredentialsResponse(
        metadata,
        client,
        await clientCredentialsGrantRequest(
          metadata,
          client,
          await clientAuthOf(provider),
          parametersOf(target),
          options,
        ),
      ),
    )
    return originToken(answer, proofKey, 'client credentials', now)
  } catch (error) {
    throw isTargetRefused(error)
      ? new Fault('provider_misconfigured', 'client credentials: refused for this target')
      : providerFault(error, 'client credentials')
  }
}

function parametersOf({ audience, resource, scopes }: TokenTarget): Record<string, string> {
  return {
    ...(audience === undefined ? {} : { audience }),
    ...(resource === undefined ? {} : { resource }),
    ...(scopes.length === 0 ? {} : { scope: scopes.join(' ') }),
  }
}

/**
 * What the token is to be bound to: nothing, where the configuration says that the origin cannot check proofs. A bound token
 * is never sent as if it were not: the provider gives another. attack: bound-token-as-bearer
 */
async function keyFor(
  provider: Provider,
  { downgrade }: TokenTarget,
  known?: ProofKey,
): Promise<ProofKey | undefined> {
  return downgrade === 'bearer' ? undefined : (known ?? proofKeyFor(provider))
}

function originToken(
  answer: TokenEndpointResponse,
  proofKey: ProofKey | undefined,
  step: string,
  now: number,
): OriginToken {
  checkTokenType(answer, proofKey, step)
  return { token: answer.access_token, expiresAt: now + (answer.expires_in ?? unsaid), proofKey }
}
