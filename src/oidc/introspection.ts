/**
 * Asking an issuer about an opaque token (RFC 7662), with a signed answer where the configuration wants one
 * (RFC 9701).
 */
import {
  type AuthorizationServer,
  type Client,
  clockTolerance,
  introspectionRequest,
  type IntrospectionResponse,
  processIntrospectionResponse,
} from 'oauth4webapi'
import type { Introspection, Issuer } from '../config/issuer.ts'
import { deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { isForAnotherPurpose, type TokenPolicy, VerifiedToken } from '../token/access-token.ts'
import { verifyJws } from '../token/jws.ts'
import { unverifiedKid } from '../token/unverified.ts'
import { clientAuthOf, httpOptions } from './client.ts'
import { providerFault } from './failure.ts'
import type { Outbound } from './outbound.ts'
import type { ProviderDirectory } from './provider-documents.ts'

export interface IntrospectionParties {
  readonly directory: ProviderDirectory
  readonly outbound: Outbound
}

/**
 * What the issuer says of the token now: verified claims, or `token_refused` (`inactive`, or a check on what it
 * says). Throws `Fault` where the issuer cannot be asked. `now` in seconds.
 */
export async function introspect(
  parties: IntrospectionParties,
  issuer: Issuer,
  introspection: Introspection,
  policy: TokenPolicy,
  token: string,
  now: number,
): Promise<Result<VerifiedToken>> {
  const metadata = await metadataOf(parties, issuer, introspection)
  const answer = await ask(parties, issuer, introspection, metadata, token)
  if (!answer.active) return deny({ reason: 'token_refused', check: 'inactive' })
  const { active: _, token_type: type, ...claims } = answer
  // A DPoP token, or a refresh token of an issuer that says so.
  if (type !== undefined && type.toLowerCase() !== 'bearer')
    return deny({ reason: 'token_refused', check: 'sender_constrained' })
  // attack: token-type-confusion
  if (isForAnotherPurpose(claims)) return deny({ reason: 'token_refused', check: 'type' })
  // Both are optional here: who answers is the issuer, and the answer holds as long as it is believed.
  return VerifiedToken.fromClaims(
    { iss: issuer.issuer, exp: now + introspection.cache, ...withoutUndefined(claims) },
    policy,
    now,
  )
}

async function metadataOf(
  { directory }: IntrospectionParties,
  issuer: Issuer,
  { endpoint }: Introspection,
): Promise<AuthorizationServer> {
  if (endpoint !== undefined) return { issuer: issuer.issuer, introspection_endpoint: endpoint }
  const metadata = await directory.metadata(issuer)
  if (metadata.introspection_endpoint === undefined)
    throw new Fault('provider_misconfigured', 'the metadata names no introspection_endpoint')
  return metadata
}

async function ask(
  parties: IntrospectionParties,
  issuer: Issuer,
  introspection: Introspection,
  metadata: AuthorizationServer,
  token: string,
): Promise<IntrospectionResponse> {
  const { signedWith } = introspection
  const client: Client = {
    client_id: introspection.clientId,
    [clockTolerance]: issuer.clockSkew,
    ...(signedWith === undefined ? {} : { introspection_signed_response_alg: signedWith }),
  }
  try {
    const response = await introspectionRequest(
      metadata,
      client,
      await clientAuthOf(introspection),
      token,
      {
        ...httpOptions(issuer, parties.outbound),
        requestJwtResponse: signedWith !== undefined,
        additionalParameters: { token_type_hint: 'access_token' },
      },
    )
    if (signedWith !== undefined)
      await verifySignature(parties, issuer, signedWith, response.clone())
    return await processIntrospectionResponse(metadata, client, response)
  } catch (error) {
    throw providerFault(error, 'introspection')
  }
}

/** The library reads a signed answer's claims; the signature is ours to verify. */
async function verifySignature(
  { directory }: IntrospectionParties,
  issuer: Issuer,
  algorithm: string,
  response: Response,
): Promise<void> {
  if (response.status !== 200) return
  const type = response.headers.get('content-type') ?? ''
  if (!/^application\/token-introspection\+jwt\s*(?:;|$)/i.test(type))
    throw new Fault('provider_malformed', 'introspection: the answer is not signed')
  const signed = await response.text()
  const keys = await directory.keys(issuer, unverifiedKid(signed))
  const verified = await verifyJws(signed, keys, {
    algorithms: [algorithm],
    types: ['token-introspection+jwt'],
    maxLength: 65_536,
  })
  if (!verified.ok) {
    const check = verified.denial.reason === 'signature_refused' ? verified.denial.check : ''
    throw new Fault('provider_malformed', `introspection: the answer's signature fails (${check})`)
  }
}

function withoutUndefined(claims: object): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(claims).filter(([, value]) => value !== undefined))
}
