import { SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'

import { introspect, type IntrospectionParties } from '../../../src/oidc/introspection.ts'
import { makeSigner, type Signer } from '../world/keys.ts'
import { asSigner, gate, portsWithKeys, tokenClaims } from '../world/issuers.ts'
import { now } from '../world/ports.ts'

/** What was asked, and what is answered. */
let asked: { url: string; form: URLSearchParams; headers: Headers }[]
let answer: () => Response | Promise<Response>

beforeEach(() => {
  asked = []
  answer = () => Response.json({ active: true, ...tokenClaims })
})

const secrets = { GATE: 'the gate secret' }

async function ask(changes: Readonly<Record<string, unknown>> = {}, env = {}): Promise<string> {
  const introspection = {
    client_id: 'gate',
    ...('client_auth' in changes ? {} : { client_secret: { secret: 'GATE' } }),
    ...changes,
  }
  const written = { id: 'as', issuer: 'https://as.example', introspection }
  const [issuer] = gate({}, [written], { ...secrets, ...env }).config.issuers
  const parties: IntrospectionParties = {
    directory: portsWithKeys().directory,
    outbound: async (_, url, init) => {
      asked.push({
        url,
        form: new URLSearchParams(init.body),
        headers: new Headers(init.headers),
      })
      return answer()
    },
  }
  const said = await introspect(parties, issuer!, issuer!.introspection!, issuer!, 'the-token', now)
  if (said.ok) return said.value.principal
  return said.denial.reason === 'token_refused' ? said.denial.check : said.denial.reason
}

describe('asking an issuer about a token', () => {
  it('is done as the client that the configuration names', async () => {
    expect(await ask()).toBe('ada')
    const [{ url, form, headers }] = asked as [(typeof asked)[0]]
    expect(url).toBe('https://as.example/introspect')
    expect(Object.fromEntries(form)).toEqual({
      token: 'the-token',
      token_type_hint: 'access_token',
    })
    expect(headers.get('authorization')).toBe(`Basic ${btoa('gate:the+gate+secret')}`)
    expect(headers.get('accept')).toBe('application/json')
  })

  it('may be done in the body, with a key, or with nothing but a name', async () => {
    const post = { client_auth: 'client_secret_post', client_secret: { secret: 'GATE' } }
    expect(await ask(post)).toBe('ada')
    expect(asked[0]!.form.get('client_secret')).toBe('the gate secret')
    const key = { client_auth: 'private_key_jwt', private_key: { secret: 'KEY' } }
    const KEY = JSON.stringify((await makeSigner('ES256', 'gate-1')).privateJwk)
    expect(await ask(key, { KEY })).toBe('ada')
    expect(asked[1]!.form.get('client_assertion')).toMatch(/^eyJ/)
    expect(await ask({ client_auth: 'none' })).toBe('ada')
    expect(asked[2]!.form.get('client_id')).toBe('gate')
  })

  it('goes to the endpoint that the configuration names, if it names one', async () => {
    expect(await ask({ endpoint: 'https://as.example/other/introspect' })).toBe('ada')
    expect(asked[0]!.url).toBe('https://as.example/other/introspect')
  })
})

describe('what the issuer says', () => {
  it('is believed for as long as the cache where it names no end', async () => {
    answer = () => Response.json({ active: true, sub: 'ada', aud: 'api' })
    expect(await ask()).toBe('ada')
  })

  it('refuses a token that is not active', async () => {
    answer = () => Response.json({ active: false, ...tokenClaims })
    expect(await ask()).toBe('inactive')
  })

  it('refuses a token that is bound to a key, or is no access token', async () => {
    answer = () => Response.json({ active: true, token_type: 'bearer', ...tokenClaims })
    expect(await ask()).toBe('ada')
    answer = () => Response.json({ active: true, token_type: 'DPoP', ...tokenClaims })
    expect(await ask()).toBe('sender_constrained')
    for (const other of [{ token_use: 'refresh_token' }, { typ: 'Refresh' }, { nonce: 'n' }]) {
      answer = () => Response.json({ active: true, ...tokenClaims, ...other })
      expect(await ask(), JSON.stringify(other)).toBe('type')
    }
    answer = () => Response.json({ active: true, cnf: { jkt: 'x' }, ...tokenClaims })
    expect(await ask()).toBe('sender_constrained')
  })

  it.each([
    ['is no JSON', () => new Response('evil words'), 'provider_malformed'],
    ['has no active', () => Response.json({ sub: 'ada' }), 'provider_malformed'],
    ['has active as text', () => Response.json({ active: 'true' }), 'provider_malformed'],
    ['is a failure', () => new Response('evil words', { status: 500 }), 'provider_failed'],
    [
      'refuses our client',
      () => Response.json({ error: 'invalid_client' }, { status: 401 }),
      'provider_misconfigured',
    ],
    [
      'refuses our client with a challenge',
      () => new Response(null, { status: 401, headers: { 'www-authenticate': 'Basic realm="x"' } }),
      'provider_misconfigured',
    ],
  ])('is a fault where it %s', async (_, given, kind) => {
    answer = given
    await expect(ask()).rejects.toMatchObject({ kind })
  })
})

/** A signed answer after RFC 9701. */
async function signed(
  signer: Signer,
  claims: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): Promise<Response> {
  const jwt = await new SignJWT({
    iss: 'https://as.example',
    aud: 'gate',
    iat: Math.floor(Date.now() / 1000),
    token_introspection: { active: true, ...tokenClaims },
    ...claims,
  })
    .setProtectedHeader({
      alg: signer.alg,
      kid: signer.kid,
      typ: 'token-introspection+jwt',
      ...header,
    })
    .sign(signer.privateKey)
  return new Response(jwt, { headers: { 'content-type': 'application/token-introspection+jwt' } })
}

describe('a signed answer', () => {
  const wanted = { signed_with: 'ES256' }

  it('is asked for and verified with the issuer’s keys', async () => {
    answer = () => signed(asSigner)
    expect(await ask(wanted)).toBe('ada')
    expect(asked[0]!.headers.get('accept')).toBe('application/token-introspection+jwt')
    answer = () => signed(asSigner, { token_introspection: { active: false } })
    expect(await ask(wanted)).toBe('inactive')
  })

  it('is refused where somebody else signed it, or nobody', async () => {
    const stranger = await makeSigner('ES256', 'as-1')
    answer = () => signed(stranger)
    await expect(ask(wanted)).rejects.toMatchObject({ kind: 'provider_malformed' })
    answer = () => Response.json({ active: true, ...tokenClaims })
    await expect(ask(wanted)).rejects.toMatchObject({ kind: 'provider_malformed' })
    answer = () => signed(asSigner, {}, { typ: 'at+jwt' })
    await expect(ask(wanted)).rejects.toMatchObject({ kind: 'provider_malformed' })
  })

  it('is refused where it is for another client, or of another issuer', async () => {
    answer = () => signed(asSigner, { aud: 'other' })
    await expect(ask(wanted)).rejects.toMatchObject({ kind: 'provider_malformed' })
    answer = () => signed(asSigner, { iss: 'https://evil.example' })
    await expect(ask(wanted)).rejects.toMatchObject({ kind: 'provider_malformed' })
  })

  it('is refused where a plain one was asked for', async () => {
    answer = () => signed(asSigner)
    await expect(ask()).rejects.toMatchObject({ kind: 'provider_malformed' })
  })
})
