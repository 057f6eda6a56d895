import {
  CompactEncrypt,
  createLocalJWKSet,
  decodeJwt,
  exportJWK,
  generateKeyPair,
  type JSONWebKeySet,
  jwtVerify,
} from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'

import { makeSigner } from './fake-issuer.ts'
import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

let client: Browser

beforeEach(() => {
  client = new Browser()
})

function call(token: string, path = '/tokens/x', headers: Record<string, string> = {}) {
  return client.send(path, { headers: { authorization: `Bearer ${token}`, ...headers } })
}

/** `passed`, or the check that failed, as the log has it. */
async function check(token: string, path?: string): Promise<unknown> {
  const before = world.outside.received.length
  const response = await call(token, path)
  if (response.status === 200) return 'passed'
  expect(world.outside.received, 'the origin saw nothing of it').toHaveLength(before)
  const told = await problem(response)
  if (told.reason === 'token_refused') expect(told.status).toBe(401)
  const denied = world.log.findLast(({ event }) => event === 'request.denied')
  return denied?.['check'] ?? told.reason
}

describe('a bearer token', () => {
  it('is verified, and the origin learns whose it is from us', async () => {
    const { as } = world.outside
    const token = await as.token({ tenant: 'acme', secret: 'not chosen' })
    expect(await check(token)).toBe('passed')
    const { headers } = world.outside.last
    const keys = await (await client.send('/.well-known/jwks.json')).json()
    const [, assertion = ''] = (headers.get('authorization') ?? '').split(' ')
    expect(assertion).not.toBe(token)
    const { payload } = await jwtVerify(assertion, createLocalJWKSet(keys as JSONWebKeySet), {
      issuer: 'https://shop.test',
      audience: 'tokens',
    })
    expect(payload).toMatchObject({
      sub: 'ada',
      idp: 'https://as.test',
      caller: 'bearer',
      client_id: 'app',
      scope: 'orders profile',
      tenant: 'acme',
    })
    expect(payload).not.toHaveProperty('secret')
    expect(payload).not.toHaveProperty('sid')
  })

  it('tells the origin who acts for the person', async () => {
    const { as } = world.outside
    const told = async (claims: Record<string, unknown>) => {
      expect(await check(await as.token(claims))).toBe('passed')
      const [, assertion = ''] = (world.outside.last.headers.get('authorization') ?? '').split(' ')
      return decodeJwt(assertion)
    }
    expect(await told({})).not.toHaveProperty('act')
    expect(await told({ act: { sub: 'robot', role: 'any' } })).toMatchObject({
      sub: 'ada',
      caller: 'bearer',
      act: { iss: 'https://as.test', sub: 'robot' },
    })
    const machine = await told({ sub: 'app' })
    expect(machine).toMatchObject({ sub: 'app', caller: 'machine' })
    expect(machine).not.toHaveProperty('act')
    expect(await check(await as.token({ act: { sub: [] } }))).toBe('claim_malformed')
  })

  it('is never outlived by the assertion that stands for it', async () => {
    const { as } = world.outside
    const exp = Math.floor(Date.now() / 1000) + 40
    expect(await check(await as.token({ exp }))).toBe('passed')
    const [, assertion = ''] = (world.outside.last.headers.get('authorization') ?? '').split(' ')
    const payload = JSON.parse(
      atob(assertion.split('.')[1]!.replaceAll('-', '+').replaceAll('_', '/')),
    )
    expect(payload).toMatchObject({ exp })
  })

  it.each([
    'RS256',
    'RS384',
    'RS512',
    'PS256',
    'PS384',
    'PS512',
    'ES256',
    'ES384',
    'ES512',
    'EdDSA',
  ])('passes with %s, and not with the signature of somebody else', async (alg) => {
    const { partner } = world.outside
    const signer = await makeSigner(alg, 'k')
    partner.signers = [signer]
    expect(await check(await partner.token())).toBe('passed')
    const stranger = await makeSigner(alg, 'k')
    expect(await check(await partner.token({}, {}, stranger))).toBe('signature')
  })

  it('is refused where it was altered in one place, each with its reason', async () => {
    const { as } = world.outside
    const now = Math.floor(Date.now() / 1000)
    const honest = await as.token()
    expect(await check(honest)).toBe('passed')
    const [header, payload, signature] = honest.split('.') as [string, string, string]
    const encode = (value: unknown) =>
      btoa(JSON.stringify(value)).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    const claims = as.claims()
    const other = await makeSigner('ES384', 'first')
    const cases: readonly (readonly [string, string, string])[] = [
      ['issuer_unknown', 'iss', await as.token({ iss: 'https://evil.test' })],
      ['audience', 'aud', await as.token({ aud: 'other' })],
      ['claim_missing', 'aud left out', await as.token({ aud: undefined })],
      ['claim_missing', 'exp left out', await as.token({ exp: undefined })],
      ['expired', 'exp', await as.token({ exp: now - 6 })],
      ['not_yet_valid', 'nbf', await as.token({ nbf: now + 60 })],
      ['issued_in_the_future', 'iat', await as.token({ iat: now + 60 })],
      ['lifetime', 'life', await as.token({ exp: now + 86_500 })],
      ['sender_constrained', 'cnf', await as.token({ cnf: { jkt: 'x' } })],
      ['type', 'an ID token', await as.token({ nonce: 'n' }, { typ: 'JWT' })],
      ['type', 'a logout token', await as.token({}, { typ: 'logout+jwt' })],
      ['algorithm', 'another algorithm', await as.token({}, {}, other)],
      ['algorithm', 'none', `${encode({ alg: 'none', typ: 'at+jwt' })}.${encode(claims)}.AAAA`],
      ['algorithm', 'HMAC', `${encode({ alg: 'HS256', typ: 'at+jwt' })}.${encode(claims)}.AAAA`],
      [
        'critical',
        'crit',
        `${encode({ alg: 'ES256', kid: 'first', crit: ['x'] })}.${payload}.${signature}`,
      ],
      [
        'signature',
        'another payload',
        `${header}.${encode({ ...claims, sub: 'eve' })}.${signature}`,
      ],
      ['key_unknown', 'kid', await as.token({}, { kid: 'other' })],
      ['size', 'length', await as.token({ pad: 'x'.repeat(16_384) })],
      [
        'base64url',
        'stray bits',
        `${header}.${payload}.${signature.slice(0, -1)}${nextOf(signature)}`,
      ],
      ['token_malformed', 'white space', `${header}.${payload}. ${signature}`],
      ['opaque', 'two parts', `${header}.${payload}`],
    ]
    for (const [reason, what, token] of cases) {
      const expected = reason === 'opaque' ? 'inactive' : reason
      expect(await check(token), what).toBe(expected)
    }
    expect(await check(honest)).toBe('passed')
    // Keys that a token brings along are not looked at.
    const thief = await makeSigner('ES256', 'thief')
    const own = { jwk: thief.publicJwk, jku: 'https://evil.test/keys', x5u: 'https://evil.test/x' }
    expect(await check(await as.token({}, own, thief))).toBe('key_unknown')
  })

  it('is good until its exp, give or take the skew', async () => {
    const token = await world.outside.as.token()
    expect(await check(token)).toBe('passed')
    pass(303)
    expect(await check(token)).toBe('passed')
    pass(4)
    expect(await check(token)).toBe('expired')
  })

  it('of one route’s issuer is nothing on another’s', async () => {
    const { as, partner } = world.outside
    expect(await check(await partner.token())).toBe('passed')
    expect(await check(await as.token(), '/both/x')).toBe('passed')
    expect(await check(await partner.token(), '/both/x')).toBe('issuer_unknown')
  })

  it('says nothing to the origin beside the assertion', async () => {
    const forged = { 'sallyport-assertion': 'forged', 'x-forwarded-user': 'eve' }
    await call(await world.outside.as.token(), '/tokens/x', forged)
    expect(JSON.stringify([...world.outside.last.headers])).not.toMatch(/forged|eve/)
  })
})

/** The next character: the same bytes, since the last one carries bits that mean nothing. */
function nextOf(text: string): string {
  return String.fromCharCode(text.charCodeAt(text.length - 1) + 1)
}

describe('a challenge', () => {
  const where = (path: string) =>
    `resource_metadata="https://shop.test/.well-known/oauth-protected-resource${path}"`

  it('leads who sent nothing to the metadata, and those lead to the issuers', async () => {
    const response = await client.send('/tokens/x')
    expect(response.headers.get('www-authenticate')).toBe(`Bearer ${where('/tokens')}`)
    expect(await problem(response)).toEqual({ status: 401, reason: 'token_missing' })
    const url = /resource_metadata="https:\/\/shop\.test([^"]+)"/.exec(
      response.headers.get('www-authenticate') ?? '',
    )
    const metadata = await (await client.send(url?.[1] ?? '')).json()
    expect(metadata).toEqual({
      resource: 'https://shop.test/tokens',
      authorization_servers: ['https://as.test', 'https://partner.test', 'https://opaque.test'],
      bearer_methods_supported: ['header'],
      resource_name: 'shop',
    })
  })

  it('says no more of a refused token than that it is refused', async () => {
    const response = await call(await world.outside.as.token({ aud: 'other' }))
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer error="invalid_token", ${where('/tokens')}`,
    )
    expect(await response.text()).not.toMatch(/audience|aud\b|other/)
  })

  it('names the scope that is missing', async () => {
    const response = await call(await world.outside.as.token({ scope: 'orders' }), '/both/x')
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_scope", scope="profile", ${where('/both')}`,
    )
    expect(await response.json()).toMatchObject({
      reason: 'scope_insufficient',
      detail: 'Missing: profile.',
    })
  })

  it('asks for a stronger and fresher sign-in, of a token and of a session', async () => {
    const now = Math.floor(Date.now() / 1000)
    const strong = await world.outside.as.token({ acr: 'gold', auth_time: now })
    expect(await check(strong, '/both/fresh')).toBe('passed')
    const weak = await world.outside.as.token({ acr: 'gold', auth_time: now - 601 })
    const response = await call(weak, '/both/fresh')
    expect(response.headers.get('www-authenticate')).toBe(
      `Bearer error="insufficient_user_authentication", acr_values="gold", max_age="600", ${where('/both/fresh')}`,
    )
    expect(await problem(response)).toEqual({ status: 401, reason: 'authentication_insufficient' })
    await client.signIn()
    const signedIn = await client.send('/both/fresh')
    expect(await signedIn.json()).toMatchObject({
      reason: 'authentication_insufficient',
      login_url: 'https://shop.test/auth/login?acr_values=gold&max_age=600',
    })
  })
})

describe('a route for sessions and tokens', () => {
  it('serves both, and refuses both at once', async () => {
    const token = await world.outside.as.token()
    expect(await check(token, '/both/x')).toBe('passed')
    await client.signIn()
    expect((await client.send('/both/x')).status).toBe(200)
    expect(await check(token, '/both/x')).toBe('credentials_several')
  })

  it('refuses a token in the address and in a form', async () => {
    const token = await world.outside.as.token()
    expect(await problem(await client.send(`/tokens/x?access_token=${token}`))).toEqual({
      status: 400,
      reason: 'token_in_query',
    })
    const form = new URLSearchParams({ access_token: token }).toString()
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(form.length),
    }
    const response = await client.send('/tokens/x', { method: 'POST', headers, body: form })
    expect(await problem(response)).toEqual({ status: 400, reason: 'token_in_body' })
    expect(world.outside.received).toEqual([])
  })

  it('forwards a form whole that carries no token', async () => {
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': '7',
      authorization: `Bearer ${await world.outside.as.token()}`,
    }
    await client.send('/tokens/x', { method: 'POST', headers, body: 'a=1&b=2' })
    expect(world.outside.last.body).toBe('a=1&b=2')
  })
})

describe('a site for machines', () => {
  it('lets clients in that speak for themselves, and signs nobody in', async () => {
    client = new Browser('machines.test')
    expect(await check(await world.outside.as.token({ sub: 'app' }), '/x')).toBe('passed')
    expect(await check(await world.outside.as.token(), '/x')).toBe('caller_kind_refused')
    expect((await client.send('/auth/login')).status).toBe(404)
  })
})

describe('an opaque token', () => {
  it('is what its issuer says, and is asked about once while that holds', async () => {
    const { opaque } = world.outside
    opaque.known.set('good', { active: true, ...opaque.claims() })
    for (let i = 0; i < 3; i++) expect(await check('good')).toBe('passed')
    expect(opaque.count('/introspect')).toBe(1)
    expect(opaque.count('/.well-known/oauth-authorization-server')).toBe(1)
    opaque.known.delete('good')
    pass(11)
    expect(await check('good')).toBe('inactive')
    expect(await check('made-up')).toBe('inactive')
  })

  it('is a fault of the issuer where it cannot be asked', async () => {
    world.outside.opaque.instead.set(
      '/introspect',
      () => new Response('evil words', { status: 500 }),
    )
    const response = await call('good')
    expect(await response.clone().text()).not.toContain('evil words')
    expect(await problem(response)).toEqual({ status: 503, reason: 'provider_failed' })
  })
})

describe('an encrypted token', () => {
  it.each([
    ['RSA-OAEP-256', 'A256GCM'],
    ['RSA-OAEP-256', 'A256CBC-HS512'],
    ['ECDH-ES', 'A256GCM'],
    ['dir', 'A256GCM'],
    ['dir', 'A256CBC-HS512'],
  ])('is opened with %s and %s, and verified', async (alg, enc) => {
    const { as } = world.outside
    const { ours, theirs } = await keysFor(alg, enc)
    const decryption = {
      keys: [{ secret: 'JWE_KEY' }],
      algorithms: [alg],
      encryption: [enc],
      required: true,
    }
    const issuer = { id: 'as', issuer: 'https://as.test', algorithms: ['ES256'], decryption }
    client = new Browser('machines.test', {
      ISSUERS: issuersWith(issuer),
      JWE_KEY: JSON.stringify(ours),
    })
    const seal = async (token: string) =>
      new CompactEncrypt(new TextEncoder().encode(token))
        .setProtectedHeader({ alg, enc, cty: 'JWT' })
        .encrypt(theirs)
    const machine = { sub: 'app' }
    expect(await check(await seal(await as.token(machine)), '/x')).toBe('passed')
    const stranger = await makeSigner('ES256', 'first')
    expect(await check(await seal(await as.token(machine, {}, stranger)), '/x')).toBe('signature')
    expect(await check(await as.token(machine), '/x')).toBe('encryption_missing')
    const sealed = await seal(await as.token(machine))
    expect(
      await check(`${sealed.slice(0, -2)}${sealed.endsWith('AA') ? 'BA' : 'AA'}`, '/x'),
    ).not.toBe('passed')
  })
})

/** The issuers of the test's own wrangler.toml, with another form of one. */
function issuersWith(changed: { readonly id: string }): readonly unknown[] {
  const plain = { algorithms: ['ES256'] }
  return [
    changed,
    { id: 'partner', issuer: 'https://partner.test', ...plain },
    { id: 'opaque', issuer: 'https://opaque.test', ...plain },
  ]
}

async function keysFor(
  alg: string,
  enc: string,
): Promise<{ ours: object; theirs: Uint8Array | CryptoKey }> {
  if (alg === 'dir') {
    const theirs = crypto.getRandomValues(new Uint8Array(enc === 'A256GCM' ? 32 : 64))
    const k = btoa(String.fromCharCode(...theirs))
    const written = k.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
    return { ours: { kty: 'oct', k: written }, theirs }
  }
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  return { ours: await exportJWK(privateKey), theirs: publicKey }
}
