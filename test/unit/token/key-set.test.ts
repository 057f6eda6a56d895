import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { encodeBase64url } from '../../../src/base64url.ts'
import { verifyJws } from '../../../src/token/jws.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { makeSigner, sign } from '../world/keys.ts'

const rsa = await makeSigner('RS256', 'rsa-1')
const ec = await makeSigner('ES256', 'ec-1')
const token = await sign(rsa, { sub: 'ada' })

/** What comes of verifying the honest token with these keys. */
async function outcome(...keys: unknown[]): Promise<string> {
  const verified = await verifyJws(token, KeySet.parse({ keys })!, { algorithms: ['RS256'] })
  if (verified.ok) return 'verified'
  return verified.denial.reason === 'signature_refused' ? verified.denial.check : 'other'
}

const integer = (value: bigint) => {
  const hex = value.toString(16)
  const even = hex.length % 2 === 0 ? hex : `0${hex}`
  return encodeBase64url(Uint8Array.from(even.match(/../g)!, (pair) => Number.parseInt(pair, 16)))
}

describe('reading a key set', () => {
  it('leaves out members that are no keys', () => {
    const set = KeySet.parse({ keys: [null, 1, 'x', [], {}, rsa.publicJwk, { kty: 'EC', kid: 5 }] })
    expect(set?.kids).toEqual(['rsa-1'])
    expect(set?.has('rsa-1')).toBe(true)
    expect(set?.has('other')).toBe(false)
  })

  it('reads nothing from what is no key set', () => {
    for (const document of [null, undefined, 1, 'x', [], {}, { keys: {} }, { keys: null }]) {
      expect(KeySet.parse(document)).toBeUndefined()
    }
    const many = (count: number) => KeySet.parse({ keys: Array(count).fill(rsa.publicJwk) })
    expect(many(100)).toBeDefined()
    expect(many(101)).toBeUndefined()
  })
})

describe('a distrusted key', () => {
  const check = async (kids: readonly string[], header: object = {}) => {
    const set = KeySet.parse({ keys: [rsa.publicJwk, ec.publicJwk] }, new Set(kids))!
    const signed = await sign(rsa, { sub: 'ada' }, { ...header })
    const verified = await verifyJws(signed, set, { algorithms: ['RS256'] })
    return verified.ok ? 'verified' : 'check' in verified.denial && verified.denial.check
  }

  it('verifies nothing, whatever the key set says', async () => {
    expect(await check([])).toBe('verified')
    expect(await check(['ec-1'])).toBe('verified')
    expect(await check(['rsa-1'])).toBe('key_distrusted')
    // Nor where the token does not name it, though it is the only one.
    expect(await check([], { kid: undefined })).toBe('verified')
    expect(await check(['rsa-1'], { kid: undefined })).toBe('key_unknown')
  })

  it('is no reason to look for new keys', () => {
    const set = KeySet.parse({ keys: [] }, new Set(['gone']))!
    expect(set.has('gone')).toBe(true)
    expect(set.has('other')).toBe(false)
  })
})

describe('the keys that verify nothing', () => {
  const refused = (...keys: unknown[]) => KeySet.parse({ keys })!.refused

  it('are named with the reason', async () => {
    const weak = { kty: 'RSA', kid: 'weak', n: integer(2n ** 1023n + 1n), e: 'AQAB' }
    expect(refused(rsa.publicJwk, ec.publicJwk)).toEqual([])
    expect(refused(rsa.publicJwk, weak)).toEqual([{ kid: 'weak', why: 'unfit' }])
    expect(refused({ kty: 'oct', kid: 'mac', k: 'AAAA' })).toEqual([{ kid: 'mac', why: 'unfit' }])
    expect(refused(rsa.privateJwk)).toEqual([{ kid: 'rsa-1', why: 'unfit' }])
    expect(refused({ kty: 'RSA' })).toEqual([{ kid: '', why: 'unfit' }])
    const twin = (await makeSigner('RS256', 'rsa-1')).publicJwk
    const both = { kid: 'rsa-1', why: 'duplicate' }
    expect(refused(rsa.publicJwk, twin)).toEqual([both, both])
  })

  it('are not those for encryption, nor two of one name for two algorithms', () => {
    expect(refused({ ...rsa.publicJwk, use: 'enc' })).toEqual([])
    expect(refused(rsa.publicJwk, { ...ec.publicJwk, kid: 'rsa-1' })).toEqual([])
  })
})

describe('choosing a key', () => {
  it('chooses by kid, among others', async () => {
    const other = await makeSigner('RS256', 'rsa-2')
    expect(await outcome(ec.publicJwk, other.publicJwk, rsa.publicJwk)).toBe('verified')
    expect(await outcome(ec.publicJwk, other.publicJwk)).toBe('key_unknown')
    expect(await outcome()).toBe('key_unknown')
  })

  it('refuses to choose between two keys of one name', async () => {
    const twin = { ...(await makeSigner('RS256', 'rsa-1')).publicJwk }
    expect(await outcome(rsa.publicJwk)).toBe('verified')
    expect(await outcome(rsa.publicJwk, twin)).toBe('key_ambiguous')
    expect(await outcome(twin, rsa.publicJwk)).toBe('key_ambiguous')
    // One name for two algorithms is no ambiguity
    expect(await outcome(rsa.publicJwk, { ...ec.publicJwk, kid: 'rsa-1' })).toBe('verified')
  })

  it('does without a kid where one key can serve', async () => {
    const unnamed = await sign(rsa, { sub: 'ada' }, { kid: undefined })
    const other = await makeSigner('RS256', 'rsa-2')
    const policy = { algorithms: ['RS256'] }
    const one = KeySet.parse({ keys: [ec.publicJwk, rsa.publicJwk] })!
    expect((await verifyJws(unnamed, one, policy)).ok).toBe(true)
    const two = KeySet.parse({ keys: [other.publicJwk, rsa.publicJwk] })!
    expect(await verifyJws(unnamed, two, policy)).toMatchObject({
      denial: { reason: 'signature_refused', check: 'key_ambiguous' },
    })
  })

  it('refuses a key that is not for this algorithm or this use', async () => {
    const { alg: _alg, use: _use, ...bare } = rsa.publicJwk
    expect(await outcome(bare)).toBe('verified')
    expect(await outcome({ ...bare, key_ops: ['verify'] })).toBe('verified')
    const unfit = [
      { ...bare, use: 'enc' },
      { ...bare, alg: 'RSA-OAEP' },
      { ...bare, alg: 'PS256' },
      { ...bare, key_ops: ['sign'] },
      { ...bare, key_ops: 'verify' },
      { ...ec.publicJwk, alg: undefined, kid: 'rsa-1' },
      { ...bare, kty: 'oct', k: bare.n },
    ]
    for (const jwk of unfit) expect(await outcome(jwk), JSON.stringify(jwk)).toBe('key_unfit')
  })

  it('refuses a private or symmetric key that was published', async () => {
    expect(await outcome(rsa.publicJwk)).toBe('verified')
    expect(await outcome(rsa.privateJwk)).toBe('key_unfit')
    expect(await outcome({ kty: 'oct', k: 'AAAA', kid: 'rsa-1', alg: 'RS256' })).toBe('key_unfit')
    expect(await outcome({ ...rsa.publicJwk, k: 'AAAA' })).toBe('key_unfit')
  })
})

describe('a weak key', () => {
  it('is refused: RSA below 2048 bits, even modulus, exponent 1, the ROCA family', async () => {
    expect(await outcome(rsa.publicJwk)).toBe('verified')
    const { n: _n, ...rest } = rsa.publicJwk
    const primes = [11n, 13n, 17n, 19n, 37n, 53n, 61n, 71n, 73n, 79n, 97n, 103n, 107n, 109n]
    const product = [...primes, 127n, 151n, 157n].reduce((a, b) => a * b)
    // Odd, 2048 bits, and 1, a power of 65537, modulo each of the primes
    const roca = 1n + 2n * product * (2n ** 2047n / (2n * product) + 1n)
    expect(roca.toString(2)).toHaveLength(2048)
    const weak = {
      short: { ...rest, n: integer(2n ** 2046n + 1n) },
      long: { ...rest, n: integer(2n ** 8192n + 1n) },
      even: { ...rest, n: integer(2n ** 2047n) },
      roca: { ...rest, n: integer(roca) },
      zero: { ...rsa.publicJwk, e: integer(0n) },
      one: { ...rsa.publicJwk, e: integer(1n) },
      two: { ...rsa.publicJwk, e: integer(2n) },
      huge: { ...rsa.publicJwk, e: integer(2n ** 64n + 1n) },
      none: rest,
      empty: { ...rest, n: '' },
    }
    for (const [name, jwk] of Object.entries(weak))
      expect(await outcome(jwk), name).toBe('key_unfit')
  })

  it('is refused: a point that is not on its curve', async () => {
    const signed = await sign(ec, { sub: 'ada' })
    const set = (jwk: object) => KeySet.parse({ keys: [jwk] })!
    const policy = { algorithms: ['ES256'] }
    expect((await verifyJws(signed, set(ec.publicJwk), policy)).ok).toBe(true)
    const off = set({ ...ec.publicJwk, y: ec.publicJwk.x })
    expect(await verifyJws(signed, off, policy)).toMatchObject({
      denial: { reason: 'signature_refused', check: 'key_unfit' },
    })
  })
})

it('refuses a key whose modulus is no text', async () => {
  for (const n of [5, true, ['AQAB'], {}, null]) {
    expect(await outcome({ ...rsa.publicJwk, n }), JSON.stringify(n)).toBe('key_unfit')
  }
})

it('never throws, whatever the members of a key are', async () => {
  const member = fc.oneof(fc.jsonValue(), fc.constant('AQAB'))
  const jwk = fc.record({
    kty: fc.constantFrom('RSA', 'EC', 'OKP', 'oct', 1),
    kid: fc.constantFrom('rsa-1', undefined),
    n: member,
    e: member,
    x: member,
    key_ops: fc.option(member, { nil: undefined }),
  })
  await fc.assert(
    fc.asyncProperty(jwk, async (key) => {
      expect(await outcome(key)).toMatch(/^key_/)
    }),
    { numRuns: 500 },
  )
})
