import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { verifyJws, type JwsPolicy } from '../../../src/token/jws.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { encode, forge, makeSigner, partOf, sign, withHeader } from '../world/keys.ts'

const rsa = await makeSigner('RS256', 'rsa-1')
const ec = await makeSigner('ES256', 'ec-1')
const keys = KeySet.parse({ keys: [rsa.publicJwk, ec.publicJwk] })!
const policy: JwsPolicy = { algorithms: ['RS256'] }
const honest = await sign(rsa, { sub: 'ada' })

async function verify(token: string, given: Partial<JwsPolicy> = {}, set = keys): Promise<string> {
  const verified = await verifyJws(token, set, { ...policy, ...given })
  if (verified.ok) return new TextDecoder().decode(verified.value.payload)
  const { denial } = verified
  return denial.reason === 'signature_refused' ? denial.check : denial.reason
}

describe('verifying a token', () => {
  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA'])('verifies %s', async (alg) => {
    const signer = await makeSigner(alg, 'k')
    const set = KeySet.parse({ keys: [signer.publicJwk] })!
    expect(await verify(await sign(signer, { sub: 'ada' }), { algorithms: [alg] }, set)).toBe(
      '{"sub":"ada"}',
    )
    const other = await makeSigner(alg, 'k')
    const forged = await sign(other, { sub: 'ada' })
    expect(await verify(forged, { algorithms: [alg] }, set)).toBe('signature')
  })

  it('gives the header and the payload of an honest token', async () => {
    const verified = await verifyJws(honest, keys, policy)
    expect(verified.ok && verified.value.header).toEqual({ alg: 'RS256', kid: 'rsa-1' })
    expect(await verify(honest)).toBe('{"sub":"ada"}')
  })

  it('refuses a token that is longer than it need be', async () => {
    expect(await verify(honest, { maxLength: honest.length })).toBe('{"sub":"ada"}')
    expect(await verify(honest, { maxLength: honest.length - 1 })).toBe('size')
    expect(await verify(await sign(rsa, { pad: 'x'.repeat(16_384) }))).toBe('size')
  })

  it('refuses what is not three parts', async () => {
    const [header, payload, signature] = honest.split('.')
    const wrong = [
      '',
      '..',
      `${header!}.${payload!}`,
      `${header!}.${payload!}.`,
      `${header!}..${signature!}`,
      `${honest}.`,
      `${honest}.${signature!}.AAAA`,
    ]
    for (const token of wrong) expect(await verify(token), token).toBe('grammar')
  })

  it('refuses a token with another spelling of the same bytes', async () => {
    expect(await verify(honest)).toBe('{"sub":"ada"}')
    const signature = honest.split('.')[2]!
    // 256 bytes: the last character carries four bits that mean nothing
    const last = String.fromCharCode(signature.charCodeAt(signature.length - 1) + 1)
    for (const other of [`${signature.slice(0, -1)}${last}`, `${signature}==`, `${signature} `]) {
      const token = honest.replace(signature, other)
      expect(await verify(token), other.slice(-4)).toBe('base64url')
    }
  })

  it('refuses a header that is no JSON object or has no text for kid', async () => {
    const [, payload, signature] = honest.split('.')
    const headers = ['[]', '"x"', 'null', '1', '{', '', '{"alg":"RS256"}x']
    for (const text of headers) {
      const header = Buffer.from(text).toString('base64url')
      const expected = text === '' ? 'grammar' : 'header'
      expect(await verify(`${header}.${payload!}.${signature!}`), text).toBe(expected)
    }
    const invalid = Buffer.from([0x22, 0xff, 0x22]).toString('base64url')
    expect(await verify(`${invalid}.${payload!}.${signature!}`)).toBe('header')
    expect(await verify(withHeader(honest, { alg: 'RS256', kid: 7 }))).toBe('header')
  })

  it('refuses a critical header that it does not understand', async () => {
    expect(await verify(await sign(rsa, { sub: 'ada' }, { unknown: 1 }))).toBe('{"sub":"ada"}')
    const { CompactSign } = await import('jose')
    const text = new TextEncoder().encode('plain')
    const critical = await new CompactSign(text)
      .setProtectedHeader({ alg: 'RS256', kid: 'rsa-1', crit: ['b64'], b64: true })
      .sign(rsa.privateKey)
    expect(await verify(critical)).toBe('critical')
    for (const more of [{ crit: ['exp'], exp: 1 }, { crit: [] }, { crit: null }, { b64: false }]) {
      const token = withHeader(honest, { alg: 'RS256', kid: 'rsa-1', ...more })
      expect(await verify(token), JSON.stringify(more)).toBe('critical')
    }
  })

  it('takes the algorithm from the policy and never from the header', async () => {
    expect(await verify(honest)).toBe('{"sub":"ada"}')
    const claims = { sub: 'admin' }
    for (const alg of [
      'none',
      'None',
      'NONE',
      '',
      'RS1',
      'rs256',
      'HS256',
      null,
      undefined,
      ['RS256'],
    ]) {
      const token = forge({ alg, kid: 'rsa-1' }, claims)
      expect(await verify(token), String(alg)).toBe('algorithm')
    }
    // Good in itself, but not what this signer is pinned to
    expect(await verify(await sign(ec, claims))).toBe('algorithm')
    expect(await verify(await sign(ec, claims), { algorithms: ['ES256'] })).toBe('{"sub":"admin"}')
  })

  it('refuses an HMAC under the public key, even where a policy names HMAC', async () => {
    const input = `${encode({ alg: 'HS256', kid: 'rsa-1' })}.${encode({ sub: 'admin' })}`
    for (const secret of [JSON.stringify(rsa.publicJwk), rsa.publicJwk.n!, '']) {
      const mac = createHmac('sha256', secret).update(input).digest('base64url')
      expect(await verify(`${input}.${mac}`)).toBe('algorithm')
      expect(await verify(`${input}.${mac}`, { algorithms: ['HS256', 'none'] })).toBe('algorithm')
    }
  })

  it('refuses a token of another type than the one asked for', async () => {
    const types = ['logout+jwt']
    const logout = (typ: unknown) => sign(rsa, { sub: 'ada' }, { typ })
    expect(await verify(await logout('logout+jwt'), { types })).toBe('{"sub":"ada"}')
    expect(await verify(await logout('application/Logout+JWT'), { types })).toBe('{"sub":"ada"}')
    expect(await verify(await logout('JWT'), { types })).toBe('type')
    expect(await verify(await logout('at+jwt'), { types })).toBe('type')
    expect(await verify(honest, { types })).toBe('type')
    expect(
      await verify(withHeader(honest, { alg: 'RS256', kid: 'rsa-1', typ: 1 }), { types }),
    ).toBe('header')
  })

  it('looks at no key that the token itself brings along', async () => {
    const thief = await makeSigner('RS256', 'rsa-1')
    const header = {
      jwk: thief.publicJwk,
      jku: 'https://evil.example/jwks',
      x5u: 'https://evil.example/cert',
      x5c: ['MIIB'],
    }
    expect(await verify(await sign(rsa, { sub: 'ada' }, header))).toBe('{"sub":"ada"}')
    expect(await verify(await sign(thief, { sub: 'admin' }, header))).toBe('signature')
    const unknown = await sign(thief, { sub: 'admin' }, { ...header, kid: 'thief' })
    expect(await verify(unknown)).toBe('key_unknown')
  })

  it('refuses a token in which any one character was changed', async () => {
    const at = fc.nat({ max: honest.length - 1 })
    await fc.assert(
      fc.asyncProperty(at, fc.constantFrom('A', 'B', '-', '_', '.', '9'), async (i, character) => {
        fc.pre(honest[i] !== character)
        const changed = honest.slice(0, i) + character + honest.slice(i + 1)
        expect(await verify(changed)).not.toBe('{"sub":"ada"}')
        expect((await verifyJws(changed, keys, policy)).ok).toBe(false)
      }),
    )
    expect(partOf(honest, 1)).toEqual({ sub: 'ada' })
  })

  it('never throws, whatever the token is', async () => {
    const part = fc.oneof(
      fc.string(),
      fc.jsonValue().map(encode),
      fc.record({ alg: fc.constant('RS256'), kid: fc.jsonValue() }).map(encode),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), async (parts) => {
        expect((await verifyJws(parts.join('.'), keys, policy)).ok).toBe(false)
      }),
    )
  })
})
