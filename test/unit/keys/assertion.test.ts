import { expect, it } from 'vitest'

import { signAssertion } from '../../../src/keys/assertion.ts'
import { type AssertionAlgorithm, signerWith } from '../../../src/keys/signer.ts'
import { verifyJws } from '../../../src/token/jws.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { makeSigner, partOf } from '../world/keys.ts'

const now = 1_800_000_000
const key = await makeSigner('ES256', 'k1')
const signer = signerWith('k1', 'ES256', key.privateKey)
const assertion = {
  kind: 'session' as const,
  issuer: 'https://shop.example.com',
  audience: 'shop-api',
  subject: 'ada',
  identityProvider: 'https://id.example.com',
  sessionId: 'ses_x',
  clientId: undefined,
  scope: 'openid',
  actor: undefined,
  boundTo: undefined,
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
  const keys = KeySet.parse({ keys: [key.publicJwk] })!
  const policy = { algorithms: ['ES256'], types: ['sallyport+jwt'] }
  expect((await verifyJws(token, keys, policy)).ok).toBe(true)
})

it.each(['ES256', 'EdDSA', 'RS256'] satisfies AssertionAlgorithm[])(
  'is signed as %s by a key of this isolate',
  async (alg) => {
    const { privateKey, publicJwk } = await makeSigner(alg, 'k2')
    const token = await signAssertion(signerWith('k2', alg, privateKey), assertion, now, now + 120)
    expect(partOf(token, 0)).toEqual({ alg, kid: 'k2', typ: 'sallyport+jwt' })
    const keys = KeySet.parse({ keys: [publicJwk] })!
    expect((await verifyJws(token, keys, { algorithms: [alg] })).ok).toBe(true)
  },
)

it('is signed by whoever holds the key, wherever that is', async () => {
  const asked: string[] = []
  const elsewhere = {
    kid: 'far',
    alg: 'ES256' as const,
    sign: async (data: Uint8Array<ArrayBuffer>) => {
      asked.push(new TextDecoder().decode(data))
      return new Uint8Array([1, 2, 3])
    },
  }
  const token = await signAssertion(elsewhere, assertion, now, now + 120)
  expect(token).toBe(`${asked[0]!}.AQID`)
  expect(partOf(token, 0)).toMatchObject({ kid: 'far' })
})

it('says who acts for the subject', async () => {
  const actor = { iss: 'https://as.example.com', sub: 'robot' }
  const token = await signAssertion(signer, { ...assertion, actor }, now, now + 120)
  expect(partOf(token, 1)['act']).toEqual(actor)
})

it('says to which key the caller’s session is bound', async () => {
  const bound = { ...assertion, boundTo: 'thumbprint' }
  const token = await signAssertion(signer, bound, now, now + 120)
  expect(partOf(token, 1)['cnf']).toEqual({ jkt: 'thumbprint' })
})

it('lets no claim of the provider take the place of its own', async () => {
  const names = [
    ...['iss', 'aud', 'sub', 'sid', 'idp', 'jti', 'iat', 'exp'],
    ...['caller', 'client_id', 'scope', 'act', 'cnf', 'nbf'],
  ]
  const claims = Object.fromEntries(names.map((name) => [name, 'evil']))
  const token = await signAssertion(signer, { ...assertion, claims }, now, now + 120)
  for (const name of names) expect(partOf(token, 1)[name], name).not.toBe('evil')
})
