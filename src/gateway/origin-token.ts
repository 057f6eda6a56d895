/**
 * The token that goes along to an origin which wants one of the provider's: the caller's own, one in exchange for it,
 * or the site's. At hand in the isolate after its first use.
 */
import type { Site } from '../config/config.ts'
import type { Forward, TokenTarget } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import { sha256 } from '../digest.ts'
import { providerOf } from '../oidc/client.ts'
import { type SentToken, sentToken } from '../oidc/origin-proof.ts'
import {
  clientCredentials,
  exchangeToken,
  nameOfTarget,
  type OriginToken,
  reserve,
} from '../oidc/token-for.ts'
import type { OidcParties } from '../oidc/tokens.ts'
import type { SessionCaller } from '../session/authenticate.ts'
import type { Known } from './authorize.ts'
import type { BearerCaller } from './bearer-caller.ts'
import type { GatewayServices } from './services.ts'

export type TokenForward = Extract<
  Forward,
  { readonly kind: 'access_token' | 'exchange' | 'client_credentials' }
>

export async function tokenFor(
  services: GatewayServices,
  site: Site,
  forward: TokenForward,
  caller: Known,
  now: number,
): Promise<Result<SentToken>> {
  if (forward.kind === 'client_credentials')
    return accept(await ownToken(services, site, forward.target, now))
  const target = forward.kind === 'exchange' ? forward.target : undefined
  if (caller.kind === 'session') return sessionToken(services, site, caller, target, now)
  // The caller's own is no bound one: those are refused. attack: bound-token-as-bearer
  return target === undefined
    ? accept({ text: caller.text, prove: undefined })
    : exchanged(services, site, caller, target, now)
}

/** Site, session and target: nothing less names a token. attack: exchanged-token-mix-up */
async function sessionToken(
  { originTokens, sessions }: GatewayServices,
  site: Site,
  { identity }: SessionCaller,
  target: TokenTarget | undefined,
  now: number,
): Promise<Result<SentToken>> {
  const { sessionId } = identity
  const name = JSON.stringify([
    site.id,
    sessionId,
    target === undefined ? '' : nameOfTarget(target),
  ])
  const kept = originTokens.get(name, now)
  if (kept !== undefined) return accept(kept)
  const got = await sessions.token(site, sessionId, target)
  if (!got.ok) return got
  // Not past the next renewal, which notices what the provider has taken back.
  return accept(await keep(originTokens, name, got.value, now + site.session.access))
}

async function exchanged(
  services: GatewayServices,
  site: Site,
  { text, token }: BearerCaller,
  target: TokenTarget,
  now: number,
): Promise<Result<SentToken>> {
  const { originTokens } = services
  const name = JSON.stringify([site.id, await sha256(text), nameOfTarget(target)])
  const kept = originTokens.get(name, now)
  if (kept !== undefined) return accept(kept)
  const got = await exchangeToken(await partiesOf(services, site), { token: text }, target, now)
  if (!got.ok) return got
  // What was got for a token does not outlive it.
  return accept(await keep(originTokens, name, got.value, token.expiresAt))
}

/** One at a time in this isolate; the others go on with what still holds. */
async function ownToken(
  services: GatewayServices,
  site: Site,
  target: TokenTarget,
  now: number,
): Promise<SentToken> {
  const name = JSON.stringify(['client_credentials', site.id, nameOfTarget(target)])
  return services.ownTokens.get(name, now, async () => {
    const token = await clientCredentials(await partiesOf(services, site), target, now)
    const { expiresAt } = token
    const life = expiresAt - now
    return {
      value: await sentToken(token),
      renewAt: now + Math.floor(life * 0.75),
      usableUntil: Math.max(now + 1, expiresAt - reserve),
    }
  })
}

async function keep(
  tokens: GatewayServices['originTokens'],
  name: string,
  token: OriginToken,
  atMost: number,
): Promise<SentToken> {
  const sent = await sentToken(token)
  tokens.set(name, sent, Math.min(token.expiresAt - reserve, atMost))
  return sent
}

async function partiesOf(services: GatewayServices, site: Site): Promise<OidcParties> {
  const { directory, outbound } = services
  const provider = providerOf(site)
  return { provider, metadata: await directory.metadata(provider), directory, outbound }
}
