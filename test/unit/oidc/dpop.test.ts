import { calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'

import { checkTokenType, makeProofKey, proofKeyFor, thumbprintOf } from '../../../src/oidc/dpop.ts'
import { sentToken } from '../../../src/oidc/origin-proof.ts'
import { refreshTokens } from '../../../src/oidc/tokens.ts'
import { partOf } from '../world/keys.ts'
import { startTalk } from '../world/parties.ts'
import { providerOf } from '../world/vars.ts'

const now = Math.floor(Date.now() / 1000)
const asked = { method: 'POST', nonce: undefined, id: 'one', now }
const url = new URL('https://api.example.com/v1/orders%2F1?secret=2#three')

describe('a key of ours', () => {
  it('is made where the provider is to bind tokens, a new one each time', async () => {
    expect(await proofKeyFor(providerOf())).toBeUndefined()
    const keys = await Promise.all([1, 2].map(() => proofKeyFor(providerOf({ dpop: true }))))
    expect(keys[0]).toMatchObject({ kty: 'EC', crv: 'P-256' })
    expect(keys[0]!.d).toHaveLength(43)
    expect(keys[0]!.d).not.toBe(keys[1]!.d)
  })

  it('survives being written down', async () => {
    const key = await makeProofKey()
    const read = JSON.parse(JSON.stringify(key)) as typeof key
    expect(await thumbprintOf(read)).toBe(await thumbprintOf(key))
    expect((await sentToken({ token: 't', expiresAt: 0, proofKey: read })).prove).toBeDefined()
  })
})

describe('a proof for an origin', () => {
  it('says the method, the address without its query, the time, and which token', async () => {
    const key = await makeProofKey()
    const { text, prove } = await sentToken({ token: 'the token', expiresAt: 0, proofKey: key })
    expect(text).toBe('the token')
    const proof = await prove!({ ...asked, url, nonce: 'n1' })
    const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, { typ: 'dpop+jwt' })
    const ath = new Uint8Array(
      await crypto.subtle.digest('SHA-256', new TextEncoder().encode('the token')),
    )
    expect(payload).toEqual({
      jti: 'one',
      htm: 'POST',
      htu: 'https://api.example.com/v1/orders%2F1',
      iat: now,
      ath: Buffer.from(ath).toString('base64url'),
      nonce: 'n1',
    })
    expect(await calculateJwkThumbprint(protectedHeader.jwk!)).toBe(await thumbprintOf(key))
    // The private part stays here
    expect(Object.keys(protectedHeader.jwk!)).toEqual(['kty', 'crv', 'x', 'y'])
    expect(partOf(await prove!({ ...asked, url }), 1)).not.toHaveProperty('nonce')
  })

  it('is none for a bearer token', async () => {
    expect(await sentToken({ token: 'the token', expiresAt: 0 })).toEqual({
      text: 'the token',
      prove: undefined,
    })
  })
})

describe('the type of a token', () => {
  it('is the one that was asked for, or a fault', async () => {
    const key = await makeProofKey()
    const answer = (type: string) => ({ access_token: 't', token_type: type as 'bearer' })
    expect(() => checkTokenType(answer('bearer'), undefined, 'x')).not.toThrow()
    expect(() => checkTokenType(answer('dpop'), key, 'x')).not.toThrow()
    for (const [type, shown] of [
      ['bearer', key],
      ['dpop', undefined],
      ['mac', key],
    ] as const)
      expect(() => checkTokenType(answer(type), shown, 'x')).toThrow(
        expect.objectContaining({ kind: 'provider_misconfigured' }),
      )
  })
})

describe('a refresh', () => {
  it('goes on without a key where the session began without one, whatever the provider says now', async () => {
    const talk = await startTalk({ dpop: true })
    expect(await refreshTokens(talk, 'refresh-1', 'ada')).toMatchObject({ ok: true })
  })

  it('with a key asks once more for a nonce, and no third time', async () => {
    const talk = await startTalk()
    const key = await makeProofKey()
    const proofs: Record<string, unknown>[] = []
    let nonces = 0
    let honest = true
    talk.fake.instead.set('/token', (form, { headers }) => {
      expect(form.get('refresh_token')).toBe('refresh-1')
      proofs.push(partOf(headers.get('dpop') ?? '', 1))
      if (honest && proofs.at(-1)!['nonce'] === 'n1')
        return Response.json({ access_token: 'a', token_type: 'DPoP', expires_in: 60 })
      const nonce = { 'dpop-nonce': `n${String(++nonces)}` }
      return Response.json({ error: 'use_dpop_nonce' }, { status: 400, headers: nonce })
    })
    const refreshed = await refreshTokens(talk, 'refresh-1', 'ada', key)
    expect(refreshed).toMatchObject({ ok: true, value: { tokens: { proofKey: key } } })
    expect(proofs).toHaveLength(2)
    expect(new Set(proofs.map(({ jti }) => jti)).size).toBe(2)
    honest = false
    await expect(refreshTokens(talk, 'refresh-1', 'ada', key)).rejects.toMatchObject({
      kind: 'provider_failed',
      message: expect.stringContaining('use_dpop_nonce') as unknown,
    })
    expect(proofs).toHaveLength(4)
  })
})
