/**
 * The identity that goes along: an assertion for the one origin of the route, cached until shortly before it
 * runs out.
 */
import type { Site } from '../config/config.ts'
import type { Route } from '../config/route.ts'
import { signAssertion } from '../keys/assertion.ts'
import type { Identity } from '../session/session.ts'
import type { Permit } from './authorize.ts'
import type { GatewayServices } from './services.ts'

/** An assertion is signed anew when this part of its life is left, so that it does not run out on the way. */
const reserve = 0.25

/** Adds to the headers what the route forwards of the caller; nothing for an anonymous one. */
export async function addIdentity(
  services: GatewayServices,
  site: Site,
  permit: Permit,
  headers: Headers,
  now: number,
): Promise<void> {
  const { route, caller } = permit
  if (route.forward.kind === 'none' || caller.kind === 'anonymous') return
  const assertion = await assertionFor(services, site, route.forward, caller.identity, now)
  headers.set(
    route.forward.header,
    route.forward.header === 'Authorization' ? `Bearer ${assertion}` : assertion,
  )
}

async function assertionFor(
  services: GatewayServices,
  site: Site,
  forward: Extract<Route['forward'], { kind: 'assertion' }>,
  identity: Identity,
  now: number,
): Promise<string> {
  const claims = Object.fromEntries(
    Object.entries(identity.claims).filter(([name]) => forward.claims.includes(name)),
  )
  // Site, session, audience and what is asserted: nothing less names an assertion. attack: assertion-cache-mix-up
  const key = JSON.stringify([
    site.id,
    identity.sessionId,
    identity.subject,
    forward.audience,
    claims,
  ])
  const cached = services.assertions.get(key, now)
  if (cached !== undefined) return cached
  const { lifetime, issuer } = site.assertion
  const assertion = await signAssertion(
    await services.signingKeys.current(site),
    {
      issuer,
      audience: forward.audience,
      subject: identity.subject,
      identityProvider: identity.issuer,
      sessionId: identity.sessionId,
      claims,
      id: services.random(12),
    },
    now,
    lifetime,
  )
  services.assertions.set(key, assertion, now + Math.floor(lifetime * (1 - reserve)))
  return assertion
}
