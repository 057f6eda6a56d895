import { beforeEach, describe, expect, it } from 'vitest'

import { readAuthorizationResponse } from '../../../src/oidc/authorization.ts'
import { exchangeCode, refreshTokens } from '../../../src/oidc/tokens.ts'
import { forge, makeSigner } from '../world/keys.ts'
import { startTalk, type Talk } from '../world/parties.ts'
import { issuer } from '../world/vars.ts'

const login = {
  redirectUri: 'https://shop.example.com/auth/callback',
  codeVerifier: 'v'.repeat(43),
  nonce: 'the-nonce',
  maxAge: undefined as number | undefined,
}
const seconds = () => Math.floor(Date.now() / 1000)
let talk: Talk

beforeEach(async () => {
  talk = await startTalk()
})

/** Goes to the provider and back, and exchanges the code: who signed in, or why nobody did. */
async function exchange(maxAge?: number): Promise<string> {
  const asked = new URLSearchParams({ state: 's', nonce: login.nonce })
  if (maxAge !== undefined) asked.set('max_age', String(maxAge))
  const back = talk.fake.authorize(`${issuer}/authorize?${asked.toString()}`)
  const response = readAuthorizationResponse(talk.provider, talk.metadata, back, 's')
  if (!response.ok) return response.denial.reason
  const signedIn = await exchangeCode(talk, response.value, { ...login, maxAge })
  if (signedIn.ok) return signedIn.value.claims.sub
  const { denial } = signedIn
  return 'check' in denial ? `${denial.reason}: ${denial.check}` : denial.reason
}

describe('exchanging a code', () => {
  it('gives the tokens and who they are for', async () => {
    expect(await exchange()).toBe('ada')
  })

  it('refuses an ID token whose claims are not for this login', async () => {
    const now = seconds()
    const wrong: [Record<string, unknown>, string][] = [
      [{ iss: 'https://evil.example' }, 'id_token_refused: iss'],
      [{ aud: 'other' }, 'id_token_refused: aud'],
      [{ aud: ['shop', 'other'], azp: 'other' }, 'id_token_refused: azp'],
      [{ exp: now - 60 }, 'id_token_refused: exp'],
      [{ nonce: 'another' }, 'id_token_refused: nonce'],
      [{ nonce: undefined }, 'id_token_refused: claims'],
      [{ sub: undefined }, 'id_token_refused: claims'],
      [{ nbf: now + 60 }, 'id_token_refused: nbf'],
    ]
    for (const [claims, reason] of wrong) {
      talk.fake.claims = {}
      expect(await exchange()).toBe('ada')
      talk.fake.claims = claims
      expect(await exchange(), JSON.stringify(claims)).toBe(reason)
    }
  })

  it('refuses an ID token that the provider’s key did not sign', async () => {
    expect(await exchange()).toBe('ada')
    talk.fake.signWith = await makeSigner('RS256', 'provider-1')
    expect(await exchange()).toBe('signature_refused: signature')
    talk.fake.signWith = await makeSigner('RS256', 'unknown')
    expect(await exchange()).toBe('signature_refused: key_unknown')
  })

  it('refuses an ID token of another algorithm than the configured one', async () => {
    const signer = await makeSigner('ES256', 'provider-2')
    talk.fake.keys = [talk.fake.signer.publicJwk, signer.publicJwk]
    expect(await exchange()).toBe('ada')
    talk.fake.signWith = signer
    expect(await exchange()).toBe('id_token_refused: header')
    const claims = { iss: issuer, sub: 'eve', aud: 'shop', exp: seconds() + 60, iat: seconds() }
    const unsigned = forge({ alg: 'none' }, { ...claims, nonce: login.nonce }, '')
    talk.fake.tokens = { id_token: unsigned }
    expect(await exchange()).toMatch(/refused/)
  })

  it('refuses an ID token older than the max_age that was asked for', async () => {
    expect(await exchange(60)).toBe('ada')
    talk.fake.claims = { auth_time: seconds() - 3600 }
    expect(await exchange(60)).toBe('id_token_refused: auth_time')
    talk.fake.claims = { auth_time: undefined }
    expect(await exchange(60)).toBe('id_token_refused: claims')
  })

  it('refuses an answer without an ID token', async () => {
    talk.fake.tokens = { id_token: undefined }
    expect(await exchange()).toBe('id_token_missing')
  })

  it('refuses a code that the provider refuses', async () => {
    const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    talk.fake.instead.set('/token', refused)
    expect(await exchange()).toBe('code_refused')
  })

  it('throws where the provider, not the person, is to blame', async () => {
    const answers: [() => Response, string][] = [
      [() => Response.json({ error: 'invalid_client' }, { status: 401 }), 'provider_misconfigured'],
      [() => Response.json({ error: 'server_error' }, { status: 400 }), 'provider_failed'],
      [() => new Response('down', { status: 503 }), 'provider_failed'],
      [() => new Response('<html>'), 'provider_malformed'],
      [() => Response.json({ token_type: 'Bearer' }), 'provider_malformed'],
      [() => new Response(null, { status: 302 }), 'provider_malformed'],
    ]
    for (const [answer, kind] of answers) {
      talk.fake.instead.set('/token', answer)
      await expect(exchange(), kind).rejects.toMatchObject({ kind })
    }
  })

  it('cannot be done with a private key that is none', async () => {
    const broken = await startTalk()
    const { clientAuthOf } = await import('../../../src/oidc/client.ts')
    const { Secret } = await import('../../../src/secret.ts')
    const privateKey = (json: string) => ({
      ...broken.provider,
      clientAuth: { method: 'private_key_jwt', privateKey: new Secret(json) } as const,
    })
    const good = await makeSigner('ES256', 'client')
    expect(await clientAuthOf(privateKey(JSON.stringify(good.privateJwk)))).toBeDefined()
    for (const json of ['', '{}', JSON.stringify(good.publicJwk), '"secret words"']) {
      await expect(clientAuthOf(privateKey(json))).rejects.toMatchObject({
        kind: 'configuration',
        message: expect.not.stringContaining('secret words') as string,
      })
    }
  })
})

describe('refreshing', () => {
  async function refresh(): Promise<string> {
    const refreshed = await refreshTokens(talk, 'refresh-1', 'ada')
    return refreshed.ok ? refreshed.value.tokens.accessToken : refreshed.denial.reason
  }

  it('gives new tokens, with or without a new ID token', async () => {
    expect(await refresh()).toMatch(/^access-/)
    talk.fake.tokens = { id_token: undefined }
    expect(await refresh()).toMatch(/^access-/)
  })

  it('refuses tokens of somebody else', async () => {
    expect(await refresh()).toMatch(/^access-/)
    talk.fake.claims = { sub: 'eve' }
    expect(await refresh()).toBe('subject_changed')
  })

  it('checks the signature of the new ID token too', async () => {
    talk.fake.signWith = await makeSigner('RS256', 'provider-1')
    expect(await refresh()).toBe('signature_refused')
  })

  it('says when the grant is gone', async () => {
    const refused = () => Response.json({ error: 'invalid_grant' }, { status: 400 })
    talk.fake.instead.set('/token', refused)
    expect(await refresh()).toBe('grant_revoked')
  })
})
