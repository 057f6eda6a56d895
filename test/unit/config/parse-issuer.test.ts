import { exportJWK, generateKeyPair } from 'jose'
import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { makeSigner } from '../world/keys.ts'
import { configOf, varsOf } from '../world/vars.ts'

type Table = Readonly<Record<string, unknown>>

const written = { id: 'as', issuer: 'https://as.example', algorithms: ['ES256'] }
const signer = await makeSigner('ES256', 'pinned')
const rsa = await generateKeyPair('RSA-OAEP-256', { extractable: true })
const secrets = {
  GATE: 'the gate secret',
  RSA_KEY: JSON.stringify(await exportJWK(rsa.privateKey)),
  PUBLIC_KEY: JSON.stringify(await exportJWK(rsa.publicKey)),
  SHORT_KEY: JSON.stringify({ kty: 'oct', k: 'AAAA' }),
  NO_JSON: 'evil words',
}

const env = (...issuers: readonly Table[]) => ({ ISSUERS: issuers, ...secrets })
const issuerOf = (changes: Table) => configOf({ env: env({ ...written, ...changes }) }).issuers[0]!

/** Paths below the first issuer with what to mend. */
function problemsOf(changes: Table, ...others: readonly Table[]): Record<string, string> {
  const parsed = parseConfig(varsOf({ env: env({ ...written, ...changes }, ...others) }))
  if (parsed.ok) return {}
  return Object.fromEntries(
    parsed.problems.map(({ path, mend }) => [path.replace('ISSUERS[0]', ''), mend]),
  )
}

describe('an issuer', () => {
  it('is parsed with its defaults', () => {
    expect(issuerOf({})).toMatchObject({
      publisher: 'issuer as',
      issuer: 'https://as.example',
      documents: 'openid',
      documentsName: 'https://as.example',
      algorithms: ['ES256'],
      types: ['at+jwt'],
      clockSkew: 5,
      maxLifetime: 86_400,
      coolDown: 30,
      staleFor: 86_400,
      timeout: 5,
      insecure: false,
      pinnedKeys: undefined,
      decryption: undefined,
      introspection: undefined,
    })
  })

  it('may be asked in the way of OAuth, at one address, or not at all', () => {
    expect(issuerOf({ discovery: 'oauth' })).toMatchObject({
      documents: 'oauth',
      documentsName: 'https://as.example oauth',
    })
    expect(issuerOf({ jwks_uri: 'https://keys.example/jwks' })).toMatchObject({
      documents: { jwksUri: 'https://keys.example/jwks' },
      documentsName: 'https://as.example https://keys.example/jwks',
    })
    const keys = [signer.publicJwk]
    expect(issuerOf({ keys }).pinnedKeys).toEqual({ keys })
    expect(problemsOf({ keys, jwks_uri: 'https://keys.example/jwks' })).toHaveProperty('.keys')
  })

  it('may promise no typ', () => {
    expect(issuerOf({ type: 'any' }).types).toBeUndefined()
    expect(problemsOf({ type: 'JWT' })).toHaveProperty('.type')
  })

  it('is spoken to over https, except on loopback', () => {
    expect(problemsOf({ issuer: 'http://as.example' })).toHaveProperty('.issuer')
    expect(problemsOf({ jwks_uri: 'http://keys.example/jwks' })).toHaveProperty('.jwks_uri')
    expect(problemsOf({ jwks_uri: 'https://a:b@keys.example/' })).toHaveProperty('.jwks_uri')
    expect(issuerOf({ issuer: 'http://localhost:9000' }).insecure).toBe(true)
  })

  it.each(['none', 'HS256', 'RS1', 'es256', 'ES256K', '*'])(
    'is never pinned to %s',
    (algorithm) => {
      expect(problemsOf({ algorithms: ['ES256'] })).toEqual({})
      expect(problemsOf({ algorithms: [algorithm] })).toHaveProperty('.algorithms[0]')
    },
  )

  it('has a way to accept at least some token', () => {
    expect(problemsOf({ algorithms: [] })).toHaveProperty('.algorithms')
    const { algorithms: _, ...nothing } = written
    expect(parseConfig(varsOf({ env: env(nothing) }))).toMatchObject({
      problems: [{ path: 'ISSUERS[0].algorithms' }],
    })
  })

  it('is one: by its name, and by what stands in iss', () => {
    expect(problemsOf({}, { ...written, id: 'other', issuer: 'https://other.example' })).toEqual({})
    expect(problemsOf({}, { ...written, issuer: 'https://other.example' })).toEqual({
      'ISSUERS[1].id': '"as" stands twice',
    })
    expect(problemsOf({}, { ...written, id: 'other' })).toEqual({
      'ISSUERS[1].issuer': '"https://as.example" stands twice',
    })
  })

  it('keeps to a clock skew of a minute', () => {
    expect(issuerOf({ clock_skew: '60s' }).clockSkew).toBe(60)
    expect(problemsOf({ clock_skew: '61s' })).toHaveProperty('.clock_skew')
  })

  it('does not pin what is secret, or no key', () => {
    expect(problemsOf({ keys: [signer.privateJwk] })['.keys[0]']).toContain('private')
    expect(problemsOf({ keys: [{ kty: 'oct', k: 'AAAA' }] })['.keys[0]']).toContain('private')
    expect(problemsOf({ keys: [{}] })).toHaveProperty('.keys[0]')
    expect(problemsOf({ keys: ['key'] })).toHaveProperty('.keys[0]')
  })
})

describe('the decryption of its tokens', () => {
  const given = (changes: Table) =>
    problemsOf({ decryption: { keys: [{ secret: 'RSA_KEY' }], ...changes } })

  it('has keys among the secrets, which nothing prints', () => {
    expect(given({})).toEqual({})
    const { decryption } = issuerOf({ decryption: { keys: [{ secret: 'RSA_KEY' }] } })
    expect(decryption).toMatchObject({
      algorithms: ['RSA-OAEP-256'],
      encryption: ['A256GCM'],
      required: false,
    })
    expect(JSON.stringify(decryption)).not.toContain('"d"')
  })

  it('is told which secret is not set, or holds no key', () => {
    for (const name of ['ABSENT', 'PUBLIC_KEY', 'SHORT_KEY', 'NO_JSON']) {
      const problems = given({ keys: [{ secret: name }] })
      expect(Object.keys(problems), name).toEqual(['.decryption.keys[0]'])
      expect(JSON.stringify(problems)).not.toContain('evil words')
    }
    expect(given({ keys: [] })).toHaveProperty('.decryption.keys')
  })

  it.each(['RSA1_5', 'RSA-OAEP', 'PBES2-HS256+A128KW', 'A256KW'])('never uses %s', (algorithm) => {
    expect(given({ algorithms: [algorithm] })).toHaveProperty('.decryption.algorithms[0]')
  })

  it('never uses a weaker content encryption', () => {
    expect(given({ encryption: ['A128GCM'] })).toHaveProperty('.decryption.encryption[0]')
  })
})

describe('asking it about opaque tokens', () => {
  const introspection = { client_id: 'gate', client_secret: { secret: 'GATE' } }

  it('needs a client, and an endpoint where no metadata names one', () => {
    expect(issuerOf({ introspection }).introspection).toMatchObject({
      endpoint: undefined,
      clientId: 'gate',
      cache: 10,
      signedWith: undefined,
    })
    const opaque = { id: 'as', issuer: 'https://as.example', introspection }
    expect(parseConfig(varsOf({ env: env(opaque) }))).toMatchObject({ ok: true })
    expect(problemsOf({ introspection: { client_id: 'gate' } })).toHaveProperty(
      '.introspection.client_secret',
    )
    const keys = [signer.publicJwk]
    expect(problemsOf({ keys, introspection })).toHaveProperty('.introspection.endpoint')
    const endpoint = 'https://as.example/introspect'
    expect(problemsOf({ keys, introspection: { ...introspection, endpoint } })).toEqual({})
    const plain = { ...introspection, endpoint: 'http://as.example/introspect' }
    expect(problemsOf({ introspection: plain })).toHaveProperty('.introspection.endpoint')
  })
})

describe('a site without people', () => {
  it('needs no provider', () => {
    const route = {
      path: '/*',
      access: { any: ['bearer'], audience: 'api' },
      upstream: { url: 'https://api.internal.example' },
    }
    const site = { id: 'api', hosts: ['api.example.com'], routes: [route] }
    const vars = { SITES: [site], SEAL_KEYS: varsOf()['SEAL_KEYS'], ...env(written) }
    expect(parseConfig(vars)).toMatchObject({ ok: true })
    const routes = [{ ...route, access: 'session' }]
    const parsed = parseConfig({ ...vars, SITES: [{ ...site, routes }] })
    expect(parsed).toMatchObject({ ok: false })
  })
})
