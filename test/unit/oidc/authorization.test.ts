import { describe, expect, it } from 'vitest'

import {
  buildAuthorizationUrl,
  readAuthorizationResponse,
} from '../../../src/oidc/authorization.ts'
import { makeProofKey, thumbprintOf } from '../../../src/oidc/dpop.ts'
import { startTalk } from '../world/parties.ts'
import { issuer } from '../world/vars.ts'

const request = {
  redirectUri: 'https://shop.example.com/auth/callback',
  state: 'the-state',
  nonce: 'the-nonce',
  codeVerifier: 'v'.repeat(43),
  prompt: undefined,
  maxAge: undefined,
  acrValues: undefined,
}

describe('the request to the provider', () => {
  async function urlOf(changes: object = {}, asked: object = {}): Promise<URL> {
    const { provider, metadata, outbound } = await startTalk(changes as never)
    return new URL(
      await buildAuthorizationUrl(provider, metadata, { ...request, ...asked }, outbound),
    )
  }

  it('binds the code to the key that the tokens will be bound to', async () => {
    const proofKey = await makeProofKey()
    const url = await urlOf({}, { proofKey })
    expect(url.searchParams.get('dpop_jkt')).toBe(await thumbprintOf(proofKey))
    expect((await urlOf({ dpop: true })).searchParams.has('dpop_jkt')).toBe(false)
    expect(url.href).not.toContain(proofKey.d)
  })

  it('is not made where the provider takes no proofs of ours', async () => {
    const { provider, metadata, outbound } = await startTalk()
    const proofKey = await makeProofKey()
    const build = (algorithms: string[], asked: object = { proofKey }) => {
      const says = { ...metadata, dpop_signing_alg_values_supported: algorithms }
      return buildAuthorizationUrl(provider, says, { ...request, ...asked }, outbound)
    }
    expect(await build(['EdDSA', 'ES256'])).toContain('dpop_jkt')
    expect(await build(['EdDSA'], {})).not.toContain('dpop_jkt')
    await expect(build(['EdDSA'])).rejects.toMatchObject({ kind: 'provider_misconfigured' })
  })

  it('holds what the code flow with PKCE needs', async () => {
    const url = await urlOf()
    expect(url.origin + url.pathname).toBe(`${issuer}/authorize`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'shop',
      response_type: 'code',
      redirect_uri: request.redirectUri,
      scope: 'openid',
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/) as string,
      code_challenge_method: 'S256',
    })
    expect(url.href).not.toContain(request.codeVerifier)
  })

  it('holds what the page and the operator ask for', async () => {
    const changes = {
      response_mode: 'form_post',
      scopes: ['openid', 'offline_access'],
      parameters: { audience: 'x' },
    }
    const { searchParams } = await urlOf(changes, { maxAge: 0, acrValues: 'gold silver' })
    expect(Object.fromEntries(searchParams)).toMatchObject({
      audience: 'x',
      response_mode: 'form_post',
      prompt: 'consent',
      max_age: '0',
      acr_values: 'gold silver',
    })
    expect((await urlOf(changes, { prompt: 'none' })).searchParams.get('prompt')).toBe('none')
  })

  it('is pushed where the provider offers that', async () => {
    const { provider, metadata, outbound, fake } = await startTalk()
    const offering = { ...metadata, pushed_authorization_request_endpoint: `${issuer}/par` }
    const pushed: URLSearchParams[] = []
    fake.instead.set('/par', (form) => {
      pushed.push(form)
      return Response.json({ request_uri: 'urn:x', expires_in: 60 }, { status: 201 })
    })
    const url = new URL(await buildAuthorizationUrl(provider, offering, request, outbound))
    expect(Object.fromEntries(url.searchParams)).toEqual({
      client_id: 'shop',
      request_uri: 'urn:x',
    })
    expect(pushed[0]?.get('state')).toBe('the-state')
  })

  it('is not sent plainly where the configuration wants it pushed', async () => {
    await expect(urlOf({ pushed_requests: 'required' })).rejects.toMatchObject({
      kind: 'provider_misconfigured',
    })
  })

  it('is sent nowhere but to https', async () => {
    const { provider, metadata, outbound } = await startTalk()
    for (const endpoint of ['http://id.example.com/a', 'javascript:alert(1)', '', undefined]) {
      const wrong = { ...metadata, authorization_endpoint: endpoint } as typeof metadata
      await expect(buildAuthorizationUrl(provider, wrong, request, outbound)).rejects.toMatchObject(
        {
          kind: 'provider_malformed',
        },
      )
    }
  })
})

const talk = await startTalk()

function read(parameters: string | Record<string, string>, metadata = talk.metadata): string {
  const read_ = readAuthorizationResponse(
    talk.provider,
    metadata,
    new URLSearchParams(parameters),
    'the-state',
  )
  return read_.ok ? 'accepted' : read_.denial.reason
}

const honest = { code: 'c', state: 'the-state', iss: issuer }

describe('the response of the provider', () => {
  it('is accepted with a code, our state and its issuer', () => {
    expect(read(honest)).toBe('accepted')
  })

  it('is refused where a parameter stands twice', () => {
    const query = new URLSearchParams(honest).toString()
    expect(read(query)).toBe('accepted')
    for (const name of ['code', 'state', 'iss', 'error', 'anything']) {
      const twice = `${query}&${name}=x&${name}=x`
      expect(read(twice), name).toBe('parameter_duplicated')
    }
    const named = readAuthorizationResponse(
      talk.provider,
      talk.metadata,
      new URLSearchParams('<script>=1&<script>=2'),
      's',
    )
    expect(named).toMatchObject({ denial: { parameter: 'other' } })
  })

  it('is refused where it is another issuer’s, or hides whose it is', () => {
    expect(read(honest)).toBe('accepted')
    const mismatch = 'response_issuer_mismatch'
    expect(read({ ...honest, iss: 'https://evil.example' })).toBe(mismatch)
    expect(read({ ...honest, iss: `${issuer}/` })).toBe(mismatch)
    expect(read({ ...honest, iss: '' })).toBe(mismatch)
    expect(read({ code: 'c', state: 'the-state' })).toBe(mismatch)
    // A provider that never promised `iss` may leave it out, but not give another's
    const { authorization_response_iss_parameter_supported: _, ...silent } = talk.metadata
    expect(read({ code: 'c', state: 'the-state' }, silent)).toBe('accepted')
    expect(read({ ...honest, iss: 'https://evil.example' }, silent)).toBe(mismatch)
  })

  it('is refused without a code', () => {
    expect(read({ state: 'the-state', iss: issuer })).toBe('code_missing')
    expect(read({ ...honest, code: '' })).toBe('code_missing')
  })

  it('is a denial where the person or the provider said no, in registered words only', () => {
    const no = (error: string) =>
      readAuthorizationResponse(
        talk.provider,
        talk.metadata,
        new URLSearchParams({ state: 'the-state', iss: issuer, error, error_description: '<b>' }),
        'the-state',
      )
    expect(no('access_denied')).toEqual({
      ok: false,
      denial: { reason: 'login_denied', error: 'access_denied' },
    })
    expect(no('<script>')).toMatchObject({ denial: { error: 'other' } })
  })

  it('is a fault where its state is not the one that was opened, or it is of another flow', () => {
    expect(() => read({ ...honest, state: 'other' })).toThrow('provider_malformed')
    expect(() => read({ ...honest, id_token: 'x' })).toThrow('provider_malformed')
    expect(() => read({ ...honest, response: 'x' })).toThrow('provider_malformed')
  })
})
