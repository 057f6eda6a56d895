import { describe, expect, it } from 'vitest'

import { buildEndSessionUrl, revokeRefreshToken } from '../../../src/oidc/end-session.ts'
import { startTalk } from '../world/parties.ts'
import { issuer } from '../world/vars.ts'

const talk = await startTalk()
const logout = {
  idTokenHint: 'the-id-token',
  postLogoutRedirectUri: 'https://shop.example.com/',
}

describe('signing out at the provider', () => {
  it('leads to its endpoint with the hint and the way back', () => {
    const url = new URL(buildEndSessionUrl(talk.provider, talk.metadata, logout)!)
    expect(url.origin + url.pathname).toBe(`${issuer}/logout`)
    expect(Object.fromEntries(url.searchParams)).toEqual({
      id_token_hint: 'the-id-token',
      client_id: 'shop',
      post_logout_redirect_uri: 'https://shop.example.com/',
    })
  })

  it('leads nowhere where the provider has no https endpoint for it', () => {
    for (const endpoint of [undefined, '', 'http://id.example.com/logout', 'javascript:alert(1)']) {
      const metadata = { ...talk.metadata, end_session_endpoint: endpoint } as typeof talk.metadata
      expect(buildEndSessionUrl(talk.provider, metadata, logout)).toBeUndefined()
    }
  })
})

describe('revoking a refresh token', () => {
  it('tells the provider which token, and says so', async () => {
    const forms: URLSearchParams[] = []
    talk.fake.instead.set('/revoke', (form) => {
      forms.push(form)
      return new Response(null, { status: 200 })
    })
    expect(await revokeRefreshToken(talk, 'refresh-1')).toBe(true)
    expect(Object.fromEntries(forms[0]!)).toMatchObject({
      token: 'refresh-1',
      token_type_hint: 'refresh_token',
    })
  })

  it('says where there was nobody to tell', async () => {
    const { revocation_endpoint: _, ...metadata } = talk.metadata
    expect(await revokeRefreshToken({ ...talk, metadata }, 'refresh-1')).toBe(false)
  })

  it('is a fault where the provider fails', async () => {
    talk.fake.instead.set('/revoke', () => new Response(null, { status: 503 }))
    await expect(revokeRefreshToken(talk, 'refresh-1')).rejects.toMatchObject({
      kind: 'provider_failed',
    })
  })
})
