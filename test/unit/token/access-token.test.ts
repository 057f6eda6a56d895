import { describe, expect, it } from 'vitest'

import { type TokenPolicy, VerifiedToken } from '../../../src/token/access-token.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { makeSigner, sign } from '../world/keys.ts'

const now = 1_800_000_000
const signer = await makeSigner('ES256', 'k1')
const keys = KeySet.parse({ keys: [signer.publicJwk] })!
const strict: TokenPolicy = {
  issuer: 'https://as.example',
  algorithms: ['ES256'],
  types: ['at+jwt'],
  clockSkew: 5,
  maxLifetime: 3600,
}
const lenient: TokenPolicy = { ...strict, types: undefined }

/** All that RFC 9068 asks for. */
const honest = {
  iss: 'https://as.example',
  sub: 'ada',
  client_id: 'app',
  aud: 'https://api.example',
  exp: now + 300,
  iat: now - 10,
  jti: 'token-1',
}

interface Change {
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  readonly at?: number
  readonly policy?: TokenPolicy
}

async function verify({ claims, header, at = now, policy = strict }: Change = {}) {
  const token = await sign(signer, { ...honest, ...claims }, { typ: 'at+jwt', ...header })
  return VerifiedToken.verify(token, keys, policy, at)
}

/** `good`, or the check that failed. */
async function check(change: Change = {}): Promise<string> {
  const verified = await verify(change)
  if (verified.ok) return 'good'
  const { denial } = verified
  return denial.reason === 'token_refused' ? denial.check : denial.reason
}

describe('an access token', () => {
  it('says who it is for, what it may, and until when', async () => {
    const verified = await verify({
      claims: { scope: 'orders  read', acr: 'gold', auth_time: now - 60, tenant: 'acme' },
    })
    expect(verified.ok && verified.value).toMatchObject({
      issuer: 'https://as.example',
      subject: 'ada',
      clientId: 'app',
      audience: ['https://api.example'],
      scopes: new Set(['orders', 'read']),
      id: 'token-1',
      issuedAt: now - 10,
      expiresAt: now + 300,
      authTime: now - 60,
      acr: 'gold',
      verified: true,
      principal: 'ada',
      isMachine: false,
    })
    expect(verified.ok && verified.value.claims['tenant']).toBe('acme')
  })

  it('is a machine’s where the client speaks for itself', async () => {
    const machine = await verify({ claims: { sub: 'app' } })
    expect(machine.ok && machine.value.isMachine).toBe(true)
    const nobody = await verify({ claims: { sub: undefined }, policy: lenient })
    expect(nobody.ok && [nobody.value.isMachine, nobody.value.principal]).toEqual([true, 'app'])
    // Some issuers name the client in `azp`, and scopes in a list.
    const other = await verify({
      claims: { client_id: undefined, azp: 'app', scp: ['a', 'b'] },
      policy: lenient,
    })
    expect(other.ok && other.value).toMatchObject({
      clientId: 'app',
      scopes: new Set(['a', 'b']),
      isMachine: false,
    })
  })

  it('is a machine’s where its issuer says so in a way of its own', async () => {
    const machine = async (claims: Readonly<Record<string, unknown>>) => {
      const verified = await verify({ claims, policy: lenient })
      return verified.ok && [verified.value.isMachine, verified.value.clientId]
    }
    expect(await machine({})).toEqual([false, 'app'])
    expect(await machine({ sub: 'app@clients' })).toEqual([true, 'app'])
    expect(await machine({ gty: 'client-credentials' })).toEqual([true, 'app'])
    expect(await machine({ idtyp: 'app' })).toEqual([true, 'app'])
    expect(await machine({ preferred_username: 'service-account-app' })).toEqual([true, 'app'])
    const others = { client_id: undefined, sub: 'other' }
    expect(await machine({ ...others, cid: 'other' })).toEqual([true, 'other'])
    expect(await machine({ ...others, appid: 'other' })).toEqual([true, 'other'])
  })

  it('is refused where it is of another issuer than its key', async () => {
    expect(await check()).toBe('good')
    expect(await check({ claims: { iss: 'https://as.example/' } })).toBe('issuer')
    expect(await check({ claims: { iss: 'https://evil.example' } })).toBe('issuer')
    expect(await check({ claims: { iss: ['https://as.example'] } })).toBe('claim_malformed')
  })

  it('is refused where the issuer promises a claim that is not there', async () => {
    for (const name of ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'])
      expect(await check({ claims: { [name]: undefined } }), name).toBe('claim_missing')
    for (const name of ['aud', 'sub', 'iat', 'jti'])
      expect(await check({ claims: { [name]: undefined }, policy: lenient }), name).toBe('good')
    for (const name of ['iss', 'exp'])
      expect(await check({ claims: { [name]: undefined }, policy: lenient }), name).toBe(
        'claim_missing',
      )
  })

  it('is refused where it stands for nobody', async () => {
    const claims = { sub: undefined, client_id: undefined }
    expect(await check({ claims, policy: lenient })).toBe('claim_missing')
  })

  it.each([
    ['sub', 7],
    ['sub', ''],
    ['client_id', ['app']],
    ['aud', { a: 1 }],
    ['aud', [1]],
    ['aud', ['']],
    ['exp', String(now + 300)],
    ['exp', -1],
    ['iat', 'yesterday'],
    ['nbf', null],
    ['jti', 1],
    ['scope', 7],
    ['scope', ['ok', 1]],
    ['acr', 1],
    ['auth_time', '1'],
  ])('is refused where %s is %j', async (name, value) => {
    expect(await check()).toBe('good')
    expect(await check({ claims: { [name]: value } })).toBe('claim_malformed')
  })

  it('is refused where its payload is no JSON object with times', async () => {
    const { CompactSign } = await import('jose')
    const written = JSON.stringify(honest)
    const endless = written.replace(String(honest.exp), '1e999')
    for (const text of ['[]', '"text"', 'null', '{', ' ', `${written}x`, endless]) {
      const token = await new CompactSign(new TextEncoder().encode(text))
        .setProtectedHeader({ alg: 'ES256', kid: 'k1', typ: 'at+jwt' })
        .sign(signer.privateKey)
      const verified = await VerifiedToken.verify(token, keys, strict, now)
      expect(verified.ok ? '' : verified.denial, text).toEqual({
        reason: 'token_refused',
        check: 'claim_malformed',
      })
    }
  })
})

describe('the times of an access token', () => {
  it('end it, with the configured skew and not a second more', async () => {
    expect(await check({ at: honest.exp - 1 })).toBe('good')
    expect(await check({ at: honest.exp + 4 })).toBe('good')
    expect(await check({ at: honest.exp + 5 })).toBe('expired')
    const wide = { ...strict, clockSkew: 60 }
    expect(await check({ at: honest.exp + 59, policy: wide })).toBe('good')
    expect(await check({ at: honest.exp + 60, policy: wide })).toBe('expired')
  })

  it('begin it', async () => {
    expect(await check({ claims: { nbf: now + 5 } })).toBe('good')
    expect(await check({ claims: { nbf: now + 6 } })).toBe('not_yet_valid')
  })

  it('do not lie in the future', async () => {
    expect(await check({ claims: { iat: now + 5 } })).toBe('good')
    expect(await check({ claims: { iat: now + 6 } })).toBe('issued_in_the_future')
  })

  it('do not make it live longer than the configuration allows', async () => {
    expect(await check({ claims: { iat: now, exp: now + 3600 } })).toBe('good')
    expect(await check({ claims: { iat: now, exp: now + 3601 } })).toBe('lifetime')
    const untold = { iat: undefined, exp: now + 3600 }
    expect(await check({ claims: untold, policy: lenient })).toBe('good')
    expect(await check({ claims: { ...untold, exp: now + 3601 }, policy: lenient })).toBe(
      'lifetime',
    )
  })
})

describe('a token for another purpose', () => {
  it('is refused as an access token by its typ', async () => {
    expect(await check({ header: { typ: 'application/AT+JWT' } })).toBe('good')
    for (const typ of ['JWT', 'logout+jwt', 'dpop+jwt', 'secevent+jwt', undefined])
      expect(await check({ header: { typ } }), String(typ)).toBe('type')
  })

  it('is refused as an access token even where the issuer promises no typ', async () => {
    for (const typ of ['JWT', 'at+jwt', undefined])
      expect(await check({ header: { typ }, policy: lenient }), String(typ)).toBe('good')
    const others = [
      ...['dpop+jwt', 'logout+jwt', 'secevent+jwt', 'token-introspection+jwt'],
      ...['oauth-authz-req+jwt', 'client-authentication+jwt', 'sallyport+jwt', 'id_token+jwt'],
    ]
    for (const typ of others) {
      expect(await check({ header: { typ }, policy: lenient }), typ).toBe('type')
      const long = `application/${typ.toUpperCase()}`
      expect(await check({ header: { typ: long }, policy: lenient }), long).toBe('type')
    }
    const kinds = [{ typ: 'ID' }, { typ: 'Refresh' }, { token_use: 'id' }, { token_use: 'refresh' }]
    for (const claims of kinds)
      expect(await check({ claims, policy: lenient }), JSON.stringify(claims)).toBe('type')
    for (const claims of [{ typ: 'Bearer' }, { token_use: 'access' }])
      expect(await check({ claims, policy: lenient }), JSON.stringify(claims)).toBe('good')
    for (const name of ['nonce', 'at_hash', 'c_hash', 'events', 'htu'])
      expect(await check({ claims: { [name]: 'x' }, policy: lenient }), name).toBe('type')
  })

  it('is refused where it is bound to a key that the caller has not shown', async () => {
    expect(await check()).toBe('good')
    expect(await check({ claims: { cnf: { jkt: 'thumbprint' } } })).toBe('sender_constrained')
    expect(await check({ claims: { cnf: null } })).toBe('sender_constrained')
  })

  it('says who acts for the person, or is refused where that cannot be read', async () => {
    const verified = await verify({ claims: { act: { sub: 'robot' } } })
    expect(verified.ok && verified.value.actor).toEqual({ iss: 'https://as.example', sub: 'robot' })
    const nobody = await verify()
    expect(nobody.ok && nobody.value.actor).toBeUndefined()
    for (const act of [null, 'robot', {}, { sub: 7 }])
      expect(await check({ claims: { act } })).toBe('claim_malformed')
  })
})

describe('the key of a token', () => {
  it('is known by its own name, though the token does not say it', async () => {
    for (const header of [{}, { kid: undefined }]) {
      const verified = await verify({ header })
      expect(verified.ok && verified.value.keyId).toBe('k1')
    }
  })
})

describe('what is wrong with a signature', () => {
  it('is said of the token', async () => {
    const other = await makeSigner('ES256', 'k1')
    const forged = await sign(other, honest, { typ: 'at+jwt' })
    const verified = await VerifiedToken.verify(forged, keys, strict, now)
    expect(verified).toMatchObject({ denial: { reason: 'token_refused', check: 'signature' } })
    expect(await check({ header: { kid: 'k2' } })).toBe('key_unknown')
  })
})
