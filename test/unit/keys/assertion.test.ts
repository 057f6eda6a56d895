import { expect, it } from 'vitest'

import { signAssertion } from '../../../src/keys/assertion.ts'
import { verifyJws } from '../../../src/token/jws.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { makeSigner, partOf } from '../world/keys.ts'

const now = 1_800_000_000
const signer = await makeSigner('ES256', 'k1')
const assertion = {
  kind: 'session' as const,
  issuer: 'https://shop.example.com',
  audience: 'shop-api',
  subject: 'ada',
  identityProvider: 'https://id.example.com',
  sessionId: 'ses_x',
  clientId: undefined,
  scope: 'openid',
  claims: { email: 'ada@example.com' },
  id: 'jti-1',
}

it('tells an origin who calls, for how long, and that it is meant', async () => {
  const token = await signAssertion(signer, assertion, now, now + 120)
  expect(partOf(token, 0)).toEqual({ alg: 'ES256', kid: 'k1', typ: 'sallyport+jwt' })
  expect(partOf(token, 1)).toEqual({
    email: 'ada@example.com',
    iss: 'https://shop.example.com',
    aud: 'shop-api',
    sub: 'ada',
    sid: 'ses_x',
    idp: 'https://id.example.com',
    caller: 'session',
    scope: 'openid',
    jti: 'jti-1',
    iat: now,
    exp: now + 120,
  })
  const keys = KeySet.parse({ keys: [signer.publicJwk] })!
  const policy = { algorithms: ['ES256'], types: ['sallyport+jwt'] }
  expect((await verifyJws(token, keys, policy)).ok).toBe(true)
})

it('lets no claim of the provider take the place of its own', async () => {
  const names = [
    ...['iss', 'aud', 'sub', 'sid', 'idp', 'jti', 'iat', 'exp'],
    ...['caller', 'client_id', 'scope'],
  ]
  const claims = Object.fromEntries(names.map((name) => [name, 'evil']))
  const token = await signAssertion(signer, { ...assertion, claims }, now, now + 120)
  for (const name of names) expect(partOf(token, 1)[name], name).not.toBe('evil')
})
