import { beforeEach, describe, expect, it } from 'vitest'

import { fetchDocuments } from '../../../src/oidc/provider-documents.ts'
import { startTalk, type Talk } from '../world/parties.ts'
import { issuer } from '../world/vars.ts'

const now = 1_800_000_000
let talk: Talk

beforeEach(async () => {
  talk = await startTalk()
})

const fetched = (known?: Awaited<ReturnType<typeof fetchDocuments>>) =>
  fetchDocuments(talk.provider, talk.outbound, now, known)

describe('the documents of a provider', () => {
  it('are its discovery document and its keys', async () => {
    const documents = await fetched()
    expect(documents.metadata.token_endpoint).toBe(`${issuer}/token`)
    expect(documents.jwks).toEqual({ keys: [talk.fake.signer.publicJwk] })
    expect(documents.fetchedAt).toBe(now)
  })

  it('are refused where they name another issuer', async () => {
    expect((await fetched()).metadata.issuer).toBe(issuer)
    for (const other of [
      'https://evil.example',
      `${issuer}/`,
      'https://ID.example.com',
      undefined,
    ]) {
      talk.fake.metadata = { issuer: other }
      await expect(fetched(), String(other)).rejects.toMatchObject({ kind: 'provider_malformed' })
    }
  })

  it('are asked for once more only if they changed', async () => {
    const seen: (string | null)[] = []
    talk.fake.instead.set('/jwks', (_form, request) => {
      seen.push(request.headers.get('if-none-match'))
      if (seen.length > 1) return new Response(null, { status: 304 })
      return Response.json({ keys: [talk.fake.signer.publicJwk] }, { headers: { etag: '"1"' } })
    })
    const first = await fetched()
    const second = await fetchDocuments(talk.provider, talk.outbound, now + 60, first)
    expect(seen).toEqual([null, '"1"'])
    expect(second).toEqual({ ...first, fetchedAt: now + 60 })
  })

  it('are a fault where they cannot be had or read', async () => {
    const answers: [string, () => Response, string][] = [
      ['/jwks', () => new Response('x', { status: 500 }), 'provider_failed'],
      ['/jwks', () => new Response('x'), 'provider_malformed'],
      ['/jwks', () => Response.json([]), 'provider_malformed'],
      ['/jwks', () => new Response(null, { status: 302 }), 'provider_failed'],
      [
        '/.well-known/openid-configuration',
        () => new Response('x', { status: 503 }),
        'provider_failed',
      ],
      ['/.well-known/openid-configuration', () => new Response('x'), 'provider_malformed'],
      ['/.well-known/openid-configuration', () => Response.json({ issuer }), 'provider_malformed'],
    ]
    for (const [path, answer, kind] of answers) {
      talk.fake.instead.clear()
      await fetched()
      talk.fake.instead.set(path, answer)
      await expect(fetched(), path).rejects.toMatchObject({ kind })
    }
  })
})
