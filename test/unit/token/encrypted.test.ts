import { CompactEncrypt, exportJWK, generateKeyPair, type JWK } from 'jose'
import { describe, expect, it } from 'vitest'

import { decryptToken, importDecryptionKey } from '../../../src/token/encrypted.ts'
import { encode } from '../world/keys.ts'

const inner = 'eyJ.the.token'
const policy = {
  algorithms: ['RSA-OAEP-256', 'ECDH-ES', 'dir'],
  encryption: ['A256GCM', 'A256CBC-HS512'],
}

async function pairOf(alg: string, options: object = {}): Promise<{ ours: JWK; theirs: JWK }> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true, ...options })
  return {
    ours: { ...(await exportJWK(privateKey)), kid: alg },
    theirs: { ...(await exportJWK(publicKey)), kid: alg },
  }
}

function secretOf(bytes: number): { ours: JWK; theirs: JWK } {
  const k = Buffer.alloc(bytes, 7).toString('base64url')
  const jwk = { kty: 'oct', kid: 'dir', k }
  return { ours: jwk, theirs: jwk }
}

const rsa = await pairOf('RSA-OAEP-256')
const ec = await pairOf('ECDH-ES', { crv: 'P-256' })
const okp = await pairOf('ECDH-ES', { crv: 'X25519' })

function encrypt(
  theirs: JWK,
  alg: string,
  enc: string,
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return new CompactEncrypt(new TextEncoder().encode(inner))
    .setProtectedHeader({ alg, enc, cty: 'JWT', kid: theirs.kid!, ...header })
    .encrypt(theirs)
}

async function open(token: string, keys: readonly JWK[], given = policy): Promise<string> {
  const imported = await Promise.all(keys.map((jwk) => importDecryptionKey(JSON.stringify(jwk))))
  const opened = await decryptToken(token, imported.flat(), given)
  if (opened.ok) return opened.value
  return opened.denial.reason === 'token_refused' ? opened.denial.check : opened.denial.reason
}

describe('an encrypted token', () => {
  it.each([
    ['RSA-OAEP-256', 'A256GCM', rsa],
    ['RSA-OAEP-256', 'A256CBC-HS512', rsa],
    ['ECDH-ES', 'A256GCM', ec],
    ['ECDH-ES', 'A256CBC-HS512', okp],
    ['dir', 'A256GCM', secretOf(32)],
    ['dir', 'A256CBC-HS512', secretOf(64)],
  ])('is opened with %s and %s', async (alg, enc, { ours, theirs }) => {
    const token = await encrypt(theirs, alg, enc)
    expect(await open(token, [ours])).toBe(inner)
    const others = { ...policy, algorithms: policy.algorithms.filter((other) => other !== alg) }
    expect(await open(token, [ours], others)).toBe('encryption')
    const weaker = { ...policy, encryption: policy.encryption.filter((other) => other !== enc) }
    expect(await open(token, [ours], weaker)).toBe('encryption')
    const parts = token.split('.')
    const spoilt = [
      ...parts.slice(0, 4),
      `${parts[4]![0] === 'A' ? 'B' : 'A'}${parts[4]!.slice(1)}`,
    ]
    expect(await open(spoilt.join('.'), [ours])).toBe('encryption')
  })

  it('is opened with whichever key it names, and with none that it does not name', async () => {
    const other = await pairOf('RSA-OAEP-256')
    const token = await encrypt(rsa.theirs, 'RSA-OAEP-256', 'A256GCM')
    expect(await open(token, [{ ...other.ours, kid: 'old' }, rsa.ours])).toBe(inner)
    expect(await open(token, [{ ...rsa.ours, kid: 'old' }])).toBe('encryption')
    // Without names each key of the algorithm is tried.
    const nameless = await encrypt(rsa.theirs, 'RSA-OAEP-256', 'A256GCM', { kid: undefined })
    expect(await open(nameless, [other.ours, rsa.ours])).toBe(inner)
    expect(await open(nameless, [other.ours])).toBe('encryption')
    expect(await open(nameless, [])).toBe('encryption')
  })

  it('is refused where it is compressed', async () => {
    const token = await encrypt(rsa.theirs, 'RSA-OAEP-256', 'A256GCM')
    const [header, ...rest] = token.split('.')
    const written = JSON.parse(Buffer.from(header!, 'base64url').toString()) as object
    expect(await open([encode(written), ...rest].join('.'), [rsa.ours])).toBe(inner)
    const zipped = [encode({ ...written, zip: 'DEF' }), ...rest].join('.')
    expect(await open(zipped, [rsa.ours])).toBe('encryption')
  })

  it('is refused where a password or an old padding protects its key', async () => {
    const anything = {
      algorithms: ['RSA1_5', 'PBES2-HS256+A128KW', 'RSA-OAEP-256'],
      encryption: ['A256GCM'],
    }
    const password = Buffer.from('a good password').toString('base64url')
    const token = await new CompactEncrypt(new TextEncoder().encode(inner))
      .setProtectedHeader({ alg: 'PBES2-HS256+A128KW', enc: 'A256GCM' })
      .encrypt(new TextEncoder().encode('a good password'))
    expect(await open(token, [{ kty: 'oct', k: password }], anything)).toBe('encryption')
    const [, ...rest] = (await encrypt(rsa.theirs, 'RSA-OAEP-256', 'A256GCM')).split('.')
    const old = [encode({ alg: 'RSA1_5', enc: 'A256GCM' }), ...rest].join('.')
    expect(await open(old, [rsa.ours], anything)).toBe('encryption')
  })

  it('is refused where it is too long, not five parts, or spelt in another way', async () => {
    const token = await encrypt(rsa.theirs, 'RSA-OAEP-256', 'A256GCM')
    expect(await open(token, [rsa.ours])).toBe(inner)
    expect(await open(`${token}${'A'.repeat(32_768)}`, [rsa.ours])).toBe('size')
    expect(await open(`${token}.AAAA`, [rsa.ours])).toBe('grammar')
    expect(await open(`${token}=`, [rsa.ours])).toBe('base64url')
    const [, ...rest] = token.split('.')
    expect(await open([encode([]), ...rest].join('.'), [rsa.ours])).toBe('header')
    const critical = encode({ alg: 'RSA-OAEP-256', enc: 'A256GCM', crit: ['exp'] })
    expect(await open([critical, ...rest].join('.'), [rsa.ours])).toBe('critical')
    const unnamed = encode({ alg: 'RSA-OAEP-256' })
    expect(await open([unnamed, ...rest].join('.'), [rsa.ours])).toBe('encryption')
  })
})

describe('a decryption key', () => {
  it('serves one algorithm, and none that it is not made for', async () => {
    const algorithms = async (jwk: JWK) =>
      (await importDecryptionKey(JSON.stringify(jwk))).map(({ algorithm }) => algorithm)
    expect(await algorithms(rsa.ours)).toEqual(['RSA-OAEP-256'])
    expect(await algorithms(ec.ours)).toEqual(['ECDH-ES'])
    expect(await algorithms(secretOf(32).ours)).toEqual(['dir'])
    expect(await algorithms({ ...rsa.ours, alg: 'RSA-OAEP' })).toEqual([])
    expect(await algorithms({ ...ec.ours, x: 'AAAA' })).toEqual([])
  })
})
