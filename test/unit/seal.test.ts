import fc from 'fast-check'
import { expect, it } from 'vitest'

import { decodeBase64url, encodeBase64url } from '../../src/base64url.ts'
import { Seal } from '../../src/seal.ts'

const now = 1_800_000_000
const oldKey = new Uint8Array(32).fill(1)
const newKey = new Uint8Array(32).fill(2)
const seal = await Seal.fromKeys([newKey, oldKey])
const opens = async (sealed: string, at = now) => seal.open('shop', 'access', sealed, at)

it('opens what it sealed, whatever JSON it was', async () => {
  await fc.assert(
    fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), async (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown
      const sealed = await seal.seal('shop', 'access', value, now + 1)
      expect(await opens(sealed)).toEqual({ ok: true, value: plain })
    }),
    { numRuns: 50 },
  )
})

it('seals the same value in another way each time, and shows nothing of it', async () => {
  const [a, b] = [
    await seal.seal('shop', 'access', 'plain text', now + 1),
    await seal.seal('shop', 'access', 'plain text', now + 1),
  ]
  expect(a).not.toBe(b)
  expect(Buffer.from(a, 'base64url').toString('latin1')).not.toContain('plain text')
})

it('does not open a sealed value once the expiry inside has come', async () => {
  const sealed = await seal.seal('shop', 'access', 'ada', now + 10)
  expect(await opens(sealed, now + 9.9)).toEqual({ ok: true, value: 'ada' })
  expect(await opens(sealed, now + 10)).toEqual({ ok: false, why: 'expired' })
  expect(await opens(sealed, now + 1e9)).toEqual({ ok: false, why: 'expired' })
})

it('does not open a value whose expiry is no number', async () => {
  const sealed = await seal.seal('shop', 'access', 'ada', Number.NaN)
  expect(await opens(sealed)).toEqual({ ok: false, why: 'expired' })
})

it('does not open for one site or purpose what was sealed for another', async () => {
  const sealed = await seal.seal('shop', 'access', 'ada', now + 10)
  expect(await opens(sealed)).toEqual({ ok: true, value: 'ada' })
  const forged = { ok: false, why: 'forged' }
  expect(await seal.open('blog', 'access', sealed, now)).toEqual(forged)
  expect(await seal.open('shop', 'login', sealed, now)).toEqual(forged)
  // Site and purpose are not simply put together
  expect(await seal.open('shopaccess', '' as 'login', sealed, now)).toEqual(forged)
  expect(await seal.open('shop access', '' as 'login', sealed, now)).toEqual(forged)
})

it('does not open a sealed value in which any one bit was changed', async () => {
  const sealed = await seal.seal('shop', 'access', { sub: 'ada' }, now + 10)
  const bytes = decodeBase64url(sealed)!
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const changed = bytes.slice()
    changed[bit >> 3]! ^= 1 << (bit & 7)
    const opened = await opens(encodeBase64url(changed))
    expect(opened.ok, `bit ${String(bit)}`).toBe(false)
  }
})

it('never throws, whatever it is told to open', async () => {
  const anything = fc.oneof(fc.string(), fc.uint8Array({ maxLength: 80 }).map(encodeBase64url))
  await fc.assert(
    fc.asyncProperty(anything, async (sealed) => {
      expect((await opens(sealed)).ok).toBe(false)
    }),
  )
})

it('opens by an old key what that key sealed, and seals by the newest', async () => {
  const before = await Seal.fromKeys([oldKey])
  const after = await Seal.fromKeys([newKey])
  const old = await before.seal('shop', 'access', 'ada', now + 1)
  expect(await opens(old)).toEqual({ ok: true, value: 'ada' })
  const fresh = await seal.seal('shop', 'access', 'ada', now + 1)
  expect(await after.open('shop', 'access', fresh, now)).toEqual({ ok: true, value: 'ada' })
  expect(await before.open('shop', 'access', fresh, now)).toEqual({ ok: false, why: 'key_unknown' })
})

it('calls malformed what is too short, of another version or not base64url', async () => {
  const sealed = await seal.seal('shop', 'access', 'ada', now + 1)
  const bytes = decodeBase64url(sealed)!
  bytes[0] = 2
  for (const text of ['', 'abc', sealed.slice(0, 40), `${sealed}=`, encodeBase64url(bytes)]) {
    expect(await opens(text), text).toEqual({ ok: false, why: 'malformed' })
  }
})

it('cannot be made without a key', async () => {
  await expect(Seal.fromKeys([])).rejects.toThrow('at least one key')
})
