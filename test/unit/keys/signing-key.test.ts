import { expect, it } from 'vitest'

import { passesCanary } from '../../../src/keys/canary.ts'
import type { AssertionAlgorithm } from '../../../src/keys/signer.ts'
import {
  generateSigningKey,
  openSigningKey,
  resealSigningKey,
} from '../../../src/keys/signing-key.ts'
import { Seal } from '../../../src/seal.ts'

const now = 1_800_000_000
const bytes = (byte: number) => new Uint8Array(32).fill(byte)
const seal = await Seal.fromKeys([bytes(1)])

it.each(['ES256', 'EdDSA', 'RS256'] satisfies AssertionAlgorithm[])(
  'makes an %s key that signs once opened, and keeps its private half sealed',
  async (alg) => {
    const stored = await generateSigningKey('shop', alg, seal, now)
    expect(stored).toMatchObject({ alg, createdAt: now, kid: stored.publicJwk.kid })
    expect(JSON.stringify(stored)).not.toContain('"d"')
    const signer = await openSigningKey('shop', seal, stored, now + 1e9)
    expect(await passesCanary(signer!, [stored.publicJwk], now)).toBe(true)
  },
)

it('fails the canary where what is published is not its public half, or where nothing is signed', async () => {
  const stored = await generateSigningKey('shop', 'ES256', seal, now)
  const other = await generateSigningKey('shop', 'ES256', seal, now)
  const signer = (await openSigningKey('shop', seal, stored, now))!
  expect(await passesCanary(signer, [other.publicJwk, stored.publicJwk], now)).toBe(true)
  const mixed = { ...other.publicJwk, kid: stored.kid }
  expect(await passesCanary(signer, [mixed], now)).toBe(false)
  expect(await passesCanary(signer, [other.publicJwk], now)).toBe(false)
  expect(await passesCanary(signer, [stored.publicJwk, mixed], now)).toBe(false)
  const broken = { ...signer, sign: () => Promise.reject(new Error('away')) }
  expect(await passesCanary(broken, [stored.publicJwk], now)).toBe(false)
})

it('opens no key for another site or under other seal keys', async () => {
  const stored = await generateSigningKey('shop', 'ES256', seal, now)
  const other = await Seal.fromKeys([bytes(2)])
  expect(await openSigningKey('shop', seal, stored, now)).toBeDefined()
  expect(await openSigningKey('blog', seal, stored, now)).toBeUndefined()
  expect(await openSigningKey('shop', other, stored, now)).toBeUndefined()
})

it('is sealed anew when the seal keys turn over, so that the old one may be dropped', async () => {
  const stored = await generateSigningKey('shop', 'ES256', seal, now)
  expect(await resealSigningKey('shop', seal, stored, now)).toBe(stored)
  const turned = await Seal.fromKeys([bytes(2), bytes(1)])
  const resealed = await resealSigningKey('shop', turned, stored, now)
  expect(resealed).toMatchObject({ kid: stored.kid, publicJwk: stored.publicJwk })
  const without = await Seal.fromKeys([bytes(2)])
  const signer = await openSigningKey('shop', without, resealed!, now)
  expect(await passesCanary(signer!, [stored.publicJwk], now)).toBe(true)
  expect(await resealSigningKey('shop', without, stored, now)).toBeUndefined()
})
