import { expect, it } from 'vitest'

import { signAssertion } from '../../../src/keys/assertion.ts'
import { generateSigningKey, openSigningKey } from '../../../src/keys/signing-key.ts'
import { Seal } from '../../../src/seal.ts'
import { verifyJws } from '../../../src/token/jws.ts'
import { KeySet } from '../../../src/token/key-set.ts'

const now = 1_800_000_000
const seal = await Seal.fromKeys([new Uint8Array(32).fill(1)])

it('makes a key that signs once opened, and keeps its private half sealed', async () => {
  const stored = await generateSigningKey('shop', seal, now)
  expect(stored).toMatchObject({ alg: 'ES256', createdAt: now, kid: stored.publicJwk.kid })
  expect(JSON.stringify(stored)).not.toContain('"d"')
  const key = await openSigningKey('shop', seal, stored, now + 1e9)
  expect(key?.privateKey.extractable).toBe(false)
  const unknown = { clientId: undefined, scope: undefined }
  const kind = 'session'
  const claims = {
    ...unknown,
    kind,
    issuer: 'i',
    audience: 'a',
    subject: 's',
    identityProvider: 'p',
  } as const
  const token = await signAssertion(
    key!,
    { ...claims, sessionId: 'x', claims: {}, id: 'j' },
    now,
    now + 9,
  )
  const keys = KeySet.parse({ keys: [stored.publicJwk] })!
  expect((await verifyJws(token, keys, { algorithms: ['ES256'] })).ok).toBe(true)
})

it('opens no key for another site or under other seal keys', async () => {
  const stored = await generateSigningKey('shop', seal, now)
  const other = await Seal.fromKeys([new Uint8Array(32).fill(2)])
  expect(await openSigningKey('shop', seal, stored, now)).toBeDefined()
  expect(await openSigningKey('blog', seal, stored, now)).toBeUndefined()
  expect(await openSigningKey('shop', other, stored, now)).toBeUndefined()
})
