/**
 * The identity that goes along: an assertion for the one origin of the route, cached until shortly before it
 * runs out.
 */
import type { Site } from '../config/config.ts'
import type { Route } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import type { HeaderFields } from '../http/edited-headers.ts'
import { type Asserted, signAssertion } from '../keys/assertion.ts'
import type { Prover } from '../oidc/origin-proof.ts'
import type { Known, Permit } from './authorize.ts'
import { tokenFor } from './origin-token.ts'
import type { GatewayServices } from './services.ts'

/** An assertion is signed anew after this part of its life, */
const renewAfter = 0.75
/** and not sent after this one, so that it does not run out on the way. */
const usableFor = 0.9

/**
 * Adds to the headers what the route forwards of the caller; nothing for an anonymous one. A denial where the caller
 * has no token that can go along. What it gives signs the proofs that a token which is bound to a key has to go with.
 */
export async function addIdentity(
  services: GatewayServices,
  site: Site,
  permit: Permit,
  headers: HeaderFields,
  now: number,
): Promise<Result<Prover | undefined>> {
  const { route, caller } = permit
  const { forward } = route
  if (forward.kind === 'none' || caller.kind === 'anonymous') return accept(undefined)
  if (forward.kind !== 'assertion') {
    const token = await tokenFor(services, site, forward, caller, now)
    if (!token.ok) return token
    const { text, prove } = token.value
    headers.set('authorization', `${prove === undefined ? 'Bearer' : 'DPoP'} ${text}`)
    return accept(prove)
  }
  const assertion = await assertionFor(services, site, forward, caller, now)
  headers.set(
    forward.header,
    forward.header === 'Authorization' ? `Bearer ${assertion}` : assertion,
  )
  return accept(undefined)
}

type AssertionForward = Extract<Route['forward'], { kind: 'assertion' }>

async function assertionFor(
  services: GatewayServices,
  site: Site,
  forward: AssertionForward,
  caller: Known,
  now: number,
): Promise<string> {
  const asserted = assertedOf(caller, forward)
  // An assertion never outlives the token that it stands for.
  const endsAt = caller.kind === 'session' ? Infinity : caller.token.expiresAt
  const signer = await services.signingKeys.current(site)
  // What a key signed goes with the key. attack: distrusted-key-signs-on
  // Site, key, audience, everything asserted, and its end: nothing less names an assertion. attack: assertion-cache-mix-up
  const name = JSON.stringify([site.id, signer.kid, forward.audience, asserted, endsAt])
  return services.assertions.get(name, now, async () => {
    const { lifetime, issuer } = site.assertion
    const expiresAt = Math.min(now + lifetime, Math.max(endsAt, now + 1))
    const claims = { ...asserted, issuer, audience: forward.audience, id: services.random(12) }
    const life = expiresAt - now
    return {
      value: await signAssertion(signer, claims, now, expiresAt),
      renewAt: now + Math.floor(life * renewAfter),
      usableUntil: now + Math.floor(life * usableFor),
    }
  })
}

function assertedOf(caller: Known, forward: AssertionForward): Asserted {
  const chosen = (claims: Readonly<Record<string, unknown>>): Asserted['claims'] =>
    Object.fromEntries(Object.entries(claims).filter(([name]) => forward.claims.includes(name)))
  if (caller.kind === 'session') {
    const { identity } = caller
    return {
      kind: 'session',
      subject: identity.subject,
      identityProvider: identity.issuer,
      sessionId: identity.sessionId,
      clientId: undefined,
      scope: identity.scope,
      actor: undefined,
      boundTo: identity.deviceKey,
      claims: chosen(identity.claims),
    }
  }
  const { token } = caller
  return {
    kind: caller.kind,
    subject: token.principal,
    identityProvider: token.issuer,
    sessionId: undefined,
    clientId: token.clientId,
    scope: token.scopes.size === 0 ? undefined : [...token.scopes].join(' '),
    actor: token.actor,
    boundTo: undefined,
    claims: chosen(token.claims),
  }
}
