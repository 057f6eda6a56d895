/**
 * The token endpoint: code exchange and refresh (OpenID Connect Core sections 3.1.3 and 12), the ID token
 * verified with its signature.
 */
import {
  authorizationCodeGrantRequest,
  type AuthorizationServer,
  getValidatedIdTokenClaims,
  type IDToken,
  processAuthorizationCodeResponse,
  processRefreshTokenResponse,
  refreshTokenGrantRequest,
  type TokenEndpointResponse,
} from 'oauth4webapi'
import type { Provider } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { type Fault } from '../fault.ts'
import { verifyJws } from '../token/jws.ts'
import { unverifiedKid } from '../token/unverified.ts'
import type { AuthorizationResponse } from './authorization.ts'
import { clientAuthOf, clientOf, httpOptions } from './client.ts'
import { checkTokenType, type ProofKey, proofsBy, withNonce } from './dpop.ts'
import { idTokenDenied, isGrantRefused, providerFault } from './failure.ts'
import type { Outbound } from './outbound.ts'
import type { ProviderDirectory } from './provider-documents.ts'

/** What the provider gave us. Only this module makes one. */
export interface ProviderTokens {
  readonly accessToken: string
  readonly refreshToken: string | undefined
  readonly idToken: string | undefined
  readonly scope: string | undefined
  /** Seconds; `undefined` where the provider does not say. */
  readonly expiresIn: number | undefined
  /** Seconds that the refresh token lasts, where the provider says so (`refresh_expires_in`, no standard). */
  readonly refreshExpiresIn: number | undefined
  /** What they are bound to; `undefined` for bearer tokens. */
  readonly proofKey?: ProofKey | undefined
}

/** Claims of an ID token whose every check passed, signature included. */
export type IdTokenClaims = IDToken

export interface SignedIn {
  readonly tokens: ProviderTokens & { readonly idToken: string }
  readonly claims: IdTokenClaims
}

export interface OidcParties {
  readonly provider: Provider
  readonly metadata: AuthorizationServer
  readonly directory: ProviderDirectory
  readonly outbound: Outbound
}

/** Exchanges the code. A denial says what was wrong with code or ID token; a `Fault` is the provider's. */
export async function exchangeCode(
  parties: OidcParties,
  response: AuthorizationResponse,
  login: {
    readonly redirectUri: string
    readonly codeVerifier: string
    readonly nonce: string
    readonly maxAge: number | undefined
    /** To bind the tokens to. */
    readonly proofKey?: ProofKey | undefined
  },
): Promise<Result<SignedIn>> {
  const { provider, metadata, outbound } = parties
  const client = clientOf(provider)
  try {
    const options = {
      ...httpOptions(provider, outbound),
      ...(await proofsBy(provider, login.proofKey)),
    }
    const answer = await withNonce(async () =>
      processAuthorizationCodeResponse(
        metadata,
        client,
        await authorizationCodeGrantRequest(
          metadata,
          client,
          await clientAuthOf(provider),
          response,
          login.redirectUri,
          login.codeVerifier,
          options,
        ),
        {
          expectedNonce: login.nonce,
          requireIdToken: true,
          // attack: max-age-not-enforced
          ...(login.maxAge === undefined ? {} : { maxAge: login.maxAge }),
        },
      ),
    )
    checkTokenType(answer, login.proofKey, 'code exchange')
    const claims = getValidatedIdTokenClaims(answer)
    if (claims === undefined || answer.id_token === undefined)
      return deny({ reason: 'id_token_missing' })
    const signed = await verifyIdTokenSignature(parties, answer.id_token)
    if (!signed.ok) return signed
    // RFC 6749 section 5.1: an answer without a scope grants what was asked for.
    const scope = answer.scope ?? provider.scopes.join(' ')
    const tokens = { ...tokensOf(answer, login.proofKey), scope, idToken: answer.id_token }
    return accept({ tokens, claims })
  } catch (error) {
    if (isGrantRefused(error)) return deny({ reason: 'code_refused' })
    return idTokenDenied(error) ?? raise(error, 'code exchange')
  }
}

export interface Refreshed {
  readonly tokens: ProviderTokens
  /** New claims where the provider sent an ID token (it need not). */
  readonly claims: IdTokenClaims | undefined
}

/**
 * Refreshes, with proofs by the key that the tokens are bound to, if they are. `grant_revoked` where the provider refuses
 * the refresh token.
 */
export async function refreshTokens(
  parties: OidcParties,
  refreshToken: string,
  subject: string,
  proofKey?: ProofKey,
): Promise<Result<Refreshed>> {
  const { provider, metadata, outbound } = parties
  const client = clientOf(provider)
  try {
    const options = { ...httpOptions(provider, outbound), ...(await proofsBy(provider, proofKey)) }
    const answer = await withNonce(async () =>
      processRefreshTokenResponse(
        metadata,
        client,
        await refreshTokenGrantRequest(
          metadata,
          client,
          await clientAuthOf(provider),
          refreshToken,
          options,
        ),
      ),
    )
    checkTokenType(answer, proofKey, 'refresh')
    const claims = getValidatedIdTokenClaims(answer)
    if (claims !== undefined && answer.id_token !== undefined) {
      const signed = await verifyIdTokenSignature(parties, answer.id_token)
      if (!signed.ok) return signed
      // OpenID Connect Core section 12.2: it is the same end-user, or it is not this session.
      if (claims.sub !== subject) return deny({ reason: 'subject_changed' })
    }
    return accept({ tokens: tokensOf(answer, proofKey), claims })
  } catch (error) {
    if (isGrantRefused(error)) return deny({ reason: 'grant_revoked' })
    return idTokenDenied(error) ?? raise(error, 'refresh')
  }
}

/**
 * OpenID Connect allows the signature to go unchecked in the code flow; we check it, so that an answer that
 * TLS let through by somebody's mistake is still not an identity. attack: id-token-signature-unchecked
 */
async function verifyIdTokenSignature(
  parties: OidcParties,
  idToken: string,
): Promise<Result<true>> {
  const { provider, directory } = parties
  const keys = await directory.keys(provider, unverifiedKid(idToken))
  const verified = await verifyJws(idToken, keys, {
    algorithms: [provider.idTokenAlgorithm],
    // A logout or access token is signed by the same key, and is no ID token.
    types: ['', 'jwt'],
  })
  return verified.ok ? accept(true) : verified
}

function tokensOf(answer: TokenEndpointResponse, proofKey: ProofKey | undefined): ProviderTokens {
  return {
    accessToken: answer.access_token,
    refreshToken: answer.refresh_token,
    idToken: answer.id_token,
    scope: answer.scope,
    expiresIn: answer.expires_in,
    refreshExpiresIn: positive(answer['refresh_expires_in']),
    proofKey,
  }
}

/** A number of seconds; 0 is how some providers write "no end". */
function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined
}

function raise(error: unknown, step: string): never {
  const fault: Fault = providerFault(error, step)
  throw fault
}
