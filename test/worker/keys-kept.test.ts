import { runInDurableObject } from 'cloudflare:test'
import { exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import { decodeBase64url } from '../../src/base64url.ts'
import { generateSigningKey, openSigningKey } from '../../src/keys/signing-key.ts'
import { Seal } from '../../src/seal.ts'
import {
  accept,
  alarm,
  assertionFrom,
  kidOf,
  month,
  objectOf,
  published,
  SEAL_KEYS,
  storedRing,
} from './key-world.ts'
import { eachTestHasItsWorld, pass } from './world.ts'

eachTestHasItsWorld()

describe('what is kept of keys', () => {
  it('goes on with the key that was kept before there were rings', async () => {
    const seal = await Seal.fromKeys([decodeBase64url(String(SEAL_KEYS))!])
    const now = Math.floor(Date.now() / 1000)
    const old = await generateSigningKey('shop', 'ES256', seal, now - 100)
    await runInDurableObject(objectOf(), (_, state) => state.storage.kv.put('keys', [old]))
    const assertion = await assertionFrom()
    expect(kidOf(assertion)).toBe(old.kid)
    await accept(assertion, { keys: [old.publicJwk] })
    const set = await published()
    expect(set.keys).toContainEqual(old.publicJwk)
    await runInDurableObject(objectOf(), (_, state) =>
      expect([...state.storage.kv.list()].map(([name]) => name)).toEqual(['ring', 'site']),
    )
    pass(month)
    await alarm()
    const next = await assertionFrom()
    expect(kidOf(next)).not.toBe(old.kid)
    await accept(next, set)
  })

  it('yields no private key to who has the storage without the seal keys', async () => {
    await assertionFrom()
    pass(month)
    await alarm()
    const kept = await runInDurableObject(objectOf(), (_, state) => [...state.storage.kv.list()])
    const values = [...membersOf(kept)]
    const ring = await storedRing()
    const now = Math.floor(Date.now() / 1000)
    const keys = [ring.next!, ring.active, ...ring.retiring]
    expect(keys).toHaveLength(3)
    // With them each opens: what follows is about them, and not about a form that opens for nobody.
    const right = await Seal.fromKeys([decodeBase64url(String(SEAL_KEYS))!])
    for (const key of keys) expect(await openSigningKey('shop', right, key, now)).toBeDefined()

    const wrong = await Seal.fromKeys([new Uint8Array(32).fill(7), new Uint8Array(32)])
    for (const key of keys) expect(await openSigningKey('shop', wrong, key, now)).toBeUndefined()
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    expect(await isPrivateKey(JSON.stringify(await exportJWK(privateKey)))).toBe(true)
    const privateMembers = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k'])
    expect(values.filter(({ name }) => privateMembers.has(name))).toEqual([])
    for (const { value } of values) expect(await isPrivateKey(value), String(value)).toBe(false)
  })
})

/** Every value in a value, with the name of the member that holds it. */
function* membersOf(value: unknown, name = ''): Generator<{ name: string; value: unknown }> {
  yield { name, value }
  if (typeof value !== 'object' || value === null) return
  for (const [inner, member] of Object.entries(value)) yield* membersOf(member, inner)
}

/** Whether it can be imported as a key that signs: as a JWK, as its JSON, as PKCS #8. */
async function isPrivateKey(value: unknown): Promise<boolean> {
  const jwks = [value]
  if (typeof value === 'string') {
    const bytes = decodeBase64url(value)
    for (const text of [value, new TextDecoder().decode(bytes)]) {
      try {
        jwks.push(JSON.parse(text))
      } catch {
        // No JSON.
      }
    }
    const imported = await crypto.subtle
      .importKey('pkcs8', bytes ?? new Uint8Array(), { name: 'ECDSA', namedCurve: 'P-256' }, true, [
        'sign',
      ])
      .catch(() => undefined)
    if (imported !== undefined) return true
  }
  for (const jwk of jwks) {
    const key = await importJWK(jwk as JWK, 'ES256').catch(() => undefined)
    if (key instanceof CryptoKey && key.type === 'private') return true
  }
  return false
}
