/**
 * The canary: before a key signs for anybody it signs a test, which is verified as an origin would, by the set that is
 * published. A key that does not fit to what is published would have every request refused.
 */
import { createLocalJWKSet, type JWK, jwtVerify } from 'jose'
import { type AssertionClaims, assertionType, signAssertion } from './assertion.ts'
import type { Signer } from './signer.ts'

/** For nobody, from nobody: no origin accepts it. */
const claims: AssertionClaims = {
  kind: 'machine',
  issuer: 'canary.invalid',
  audience: 'nobody.invalid',
  subject: 'canary',
  identityProvider: 'canary.invalid',
  sessionId: undefined,
  clientId: undefined,
  scope: undefined,
  actor: undefined,
  boundTo: undefined,
  claims: {},
  id: 'canary',
}

/** Whether what it signs verifies by the published keys. A signer that fails does not pass. `now` in seconds. */
export async function passesCanary(
  signer: Signer,
  published: readonly JWK[],
  now: number,
): Promise<boolean> {
  try {
    const text = await signAssertion(signer, claims, now, now + 10)
    await jwtVerify(text, createLocalJWKSet({ keys: [...published] }), {
      algorithms: [signer.alg],
      issuer: claims.issuer,
      audience: claims.audience,
      typ: assertionType,
      currentDate: new Date(now * 1000),
    })
    return true
  } catch {
    // Why does not matter: the key is dropped.
    return false
  }
}
