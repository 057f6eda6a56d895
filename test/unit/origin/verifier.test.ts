import { describe, expect, it } from 'vitest'

import { createAssertionVerifier } from '../../../src/origin/verifier.ts'
import { forge, makeSigner, partOf, withHeader } from '../world/keys.ts'
import { FakeSite, noon } from './site.ts'

const site = await FakeSite.make()
const verifier = createAssertionVerifier(site.options())

/** What is wrong with an assertion; fails where nothing is. */
async function checkOf(assertion: string, asked = verifier): Promise<string> {
  const verified = await asked.verify(assertion)
  if (verified.ok) return 'accepted'
  const { refusal } = verified
  return refusal.reason === 'assertion_refused' ? refusal.check : refusal.reason
}

describe('an assertion', () => {
  it('says who calls, and all that the site says of them', async () => {
    const verified = await verifier.verify(await site.assertion())
    expect(verified).toEqual({
      ok: true,
      value: {
        issuer: 'https://shop.example.com',
        audience: 'orders',
        subject: 'ada',
        identityProvider: 'https://id.example.com',
        caller: 'session',
        sessionId: 'ses_1',
        clientId: undefined,
        scopes: ['openid', 'orders'],
        id: 'jti-1',
        issuedAt: noon,
        expiresAt: noon + 120,
        keyId: 'k1',
        claims: expect.objectContaining({ email: 'ada@example.com', sub: 'ada' }),
      },
    })
  })

  it.each(['EdDSA', 'RS256'] as const)('is verified with %s where that is pinned', async (alg) => {
    const other = await FakeSite.make(site.issuer, alg)
    const asked = createAssertionVerifier(other.options({ algorithms: [alg] }))
    expect(await checkOf(await other.assertion(), asked)).toBe('accepted')
    expect(await checkOf(await other.assertion(), createAssertionVerifier(other.options()))).toBe(
      'algorithm',
    )
  })

  it('is refused with another type', async () => {
    expect(await checkOf(await site.forged({}))).toBe('accepted')
    for (const typ of ['JWT', 'at+jwt', 'logout+jwt', 'Sallyport+JWT', undefined, 7])
      expect(await checkOf(await site.forged({}, { typ })), String(typ)).toBe('type')
  })

  it('is refused with another algorithm, HMAC under the public key and none included', async () => {
    const honest = await site.assertion()
    expect(await checkOf(honest)).toBe('accepted')
    const header = partOf(honest, 0)
    for (const alg of ['none', 'HS256', 'ES384', 'RS256', '', undefined])
      expect(await checkOf(withHeader(honest, { ...header, alg })), alg).toBe('algorithm')
    const secret = new TextEncoder().encode(JSON.stringify(site.signer.publicJwk))
    const { SignJWT } = await import('jose')
    const hmac = await new SignJWT(partOf(honest, 1))
      .setProtectedHeader({ ...header, alg: 'HS256' })
      .sign(secret)
    expect(await checkOf(hmac)).toBe('algorithm')
  })

  it('is refused when it was made by another site, or for another origin', async () => {
    expect(await checkOf(await site.forged({}))).toBe('accepted')
    for (const iss of ['https://shop.example.com/', 'https://evil.example', 'constructor', '', 7])
      expect(await checkOf(await site.forged({ iss })), String(iss)).toBe('issuer')
    expect(await checkOf(await site.forged({ aud: 'invoices' }))).toBe('audience')
    expect(await checkOf(await site.forged({ aud: 'orders ' }))).toBe('audience')
    expect(await checkOf(await site.forged({ aud: ['orders'] })), 'a list').toBe('claims')
  })

  it('is refused without a claim that every assertion has, or with one of another kind', async () => {
    expect(await checkOf(await site.forged({}))).toBe('accepted')
    for (const name of ['aud', 'sub', 'idp', 'caller', 'iat', 'exp'])
      for (const value of [undefined, null, '', {}, Number.NaN])
        expect(await checkOf(await site.forged({ [name]: value })), name).toBe('claims')
    for (const name of ['sid', 'client_id', 'scope', 'jti'])
      expect(await checkOf(await site.forged({ [name]: 7 })), name).toBe('claims')
    expect(await checkOf(await site.forged({ caller: 'root' }))).toBe('claims')
    expect(await checkOf(await site.forged({ nbf: 'now' }))).toBe('claims')
  })

  it('is refused outside of its time, and with a life that no site gives', async () => {
    const tolerated = { iat: noon + 5, exp: noon + 60 }
    expect(await checkOf(await site.forged(tolerated))).toBe('accepted')
    expect(await checkOf(await site.forged({ iat: noon - 60, exp: noon - 4 }))).toBe('accepted')
    expect(await checkOf(await site.forged({ iat: noon - 60, exp: noon - 5 }))).toBe('expired')
    expect(await checkOf(await site.forged({ iat: noon + 6 }))).toBe('not_yet_valid')
    expect(await checkOf(await site.forged({ nbf: noon + 6 }))).toBe('not_yet_valid')
    expect(await checkOf(await site.forged({ exp: noon + 601 }))).toBe('lifetime')
    expect(await checkOf(await site.forged({ exp: noon }))).toBe('lifetime')
  })

  it('is refused when a letter of it was changed', async () => {
    const honest = await site.assertion()
    expect(await checkOf(honest)).toBe('accepted')
    const [header = '', payload = '', signature = ''] = honest.split('.')
    const other = await site.assertion({ subject: 'eve' })
    expect(await checkOf(`${header}.${other.split('.')[1]!}.${signature}`)).toBe('signature')
    const last = payload.endsWith('9') ? 'fQ' : payload.slice(-1)
    expect(await checkOf(`${header}.${payload}${last}=.${signature}`)).toBe('grammar')
  })

  it('is refused with stray bits in its base64', async () => {
    const honest = await site.assertion()
    expect(await checkOf(honest)).toBe('accepted')
    const signature = honest.split('.')[2]!
    // 64 bytes are 86 letters, the last of which carries two bits: 14 spellings of it mean the same
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const index = alphabet.indexOf(signature.slice(-1))
    expect(await checkOf(honest.slice(0, -1) + alphabet[index + 1]!)).toBe('grammar')
  })

  it.each([
    '',
    'x',
    'a.b',
    'a.b.c.d',
    '..',
    'e30.e30.',
    '.e30.AAAA',
    'W10.e30.AAAA',
    'e30.bnVsbA.AAAA',
  ])('is refused when it is none: %j', async (text) => {
    expect(await checkOf(text)).toBe('grammar')
  })

  it('is refused when it is longer than any header', async () => {
    expect(await checkOf('x'.repeat(16_385))).toBe('size')
    expect(await checkOf(undefined as unknown as string)).toBe('size')
  })

  it('is refused without a key’s name, and with extensions', async () => {
    for (const header of [{ kid: undefined }, { kid: 7 }, { kid: '' }])
      expect(await checkOf(await site.forged({}, header))).toBe('header')
    const payload = partOf(await site.forged({}), 1)
    const header = { alg: 'ES256', kid: 'k1', typ: 'sallyport+jwt' }
    expect(await checkOf(forge({ ...header, crit: ['exp'], exp: 1 }, payload))).toBe('header')
    expect(await checkOf(forge({ ...header, b64: false }, payload))).toBe('header')
    expect(await checkOf(forge(header, payload))).toBe('signature')
  })
})

describe('the key of an assertion', () => {
  it('is one that the site publishes, for this use', async () => {
    const changed = await FakeSite.make()
    const honest = await changed.assertion()
    const judged = (jwk: Readonly<Record<string, unknown>> | undefined) => {
      changed.keys = jwk === undefined ? [] : [{ kty: 'EC', ...jwk }]
      return checkOf(honest, createAssertionVerifier(changed.options()))
    }
    const { publicJwk, privateJwk } = changed.signer
    expect(await judged(publicJwk)).toBe('accepted')
    expect(await judged({ ...publicJwk, use: undefined, alg: undefined })).toBe('accepted')
    expect(await judged({ ...publicJwk, key_ops: ['verify'] })).toBe('accepted')
    expect(await judged(undefined)).toBe('key_unknown')
    expect(await judged({ ...publicJwk, kid: 'k2' })).toBe('key_unknown')
    expect(await judged({ ...publicJwk, use: 'enc' })).toBe('key_unfit')
    expect(await judged({ ...publicJwk, alg: 'ES384' })).toBe('key_unfit')
    expect(await judged({ ...publicJwk, key_ops: ['sign'] })).toBe('key_unfit')
    expect(await judged({ ...publicJwk, crv: 'P-384' })).toBe('key_unfit')
    expect(await judged({ ...publicJwk, x: 'AAAA' })).toBe('key_unfit')
    expect(await judged(privateJwk), 'a private key').toBe('key_unfit')
    expect(await judged({ kty: 'oct', k: 'AAAA', kid: 'k1' }), 'a secret').toBe('key_unfit')
  })

  it('is not chosen between two of one name', async () => {
    const doubled = await FakeSite.make()
    const other = await makeSigner('ES256', 'k1')
    const asked = () => createAssertionVerifier(doubled.options())
    expect(await checkOf(await doubled.assertion(), asked())).toBe('accepted')
    doubled.keys.push(other.publicJwk)
    expect(await checkOf(await doubled.assertion(), asked())).toBe('key_unfit')
  })

  it('is of the very site that the assertion names', async () => {
    const other = await FakeSite.make('https://blog.example.com')
    const asked = createAssertionVerifier({
      ...site.options(),
      site: [site.issuer, other.issuer],
      fetch: (url, init) => (url.includes('blog') ? other : site).fetch(url, init),
    })
    expect(await checkOf(await site.assertion(), asked)).toBe('accepted')
    expect(await checkOf(await other.assertion(), asked)).toBe('accepted')
    const crossed = await other.assertion({ issuer: site.issuer })
    expect(await checkOf(crossed, asked)).toBe('signature')
  })
})

it('accepts each of its own audiences, and says which it was', async () => {
  const asked = createAssertionVerifier(site.options({ audience: ['orders', 'orders-v2'] }))
  const verified = await asked.verify(await site.assertion({ audience: 'orders-v2' }))
  expect(verified).toMatchObject({ ok: true, value: { audience: 'orders-v2' } })
  expect(await checkOf(await site.assertion({ audience: 'invoices' }), asked)).toBe('audience')
})
