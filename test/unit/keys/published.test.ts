import { expect, it } from 'vitest'

import { answerKeySet } from '../../../src/keys/published.ts'
import { siteOf } from '../world/vars.ts'

const site = siteOf()
const keys = { document: async () => ({ keys: [{ kty: 'EC', kid: 'k1' }], etag: '"v1"' }) }

async function ask(init: RequestInit = {}): Promise<Response> {
  const request = new Request('https://shop.example.com/.well-known/jwks.json', init)
  const answer = await answerKeySet(keys, { request, site })
  if (!answer.ok) throw new Error(answer.denial.reason)
  return answer.value
}

it('publishes the keys for a short while, to everybody', async () => {
  const answer = await ask()
  expect(await answer.json()).toEqual({ keys: [{ kty: 'EC', kid: 'k1' }] })
  expect(Object.fromEntries(answer.headers)).toMatchObject({
    'content-type': 'application/jwk-set+json',
    'cache-control': 'public, max-age=60',
    etag: '"v1"',
  })
})

it('answers who has them already with 304', async () => {
  for (const tag of ['"v1"', 'W/"v1"', '"v0", "v1"', '*']) {
    expect((await ask({ headers: { 'if-none-match': tag } })).status, tag).toBe(304)
  }
  expect((await ask({ headers: { 'if-none-match': '"v0"' } })).status).toBe(200)
})

it('refuses other methods', async () => {
  await expect(ask({ method: 'POST' })).rejects.toThrow('method_not_allowed')
  expect((await ask({ method: 'HEAD' })).status).toBe(200)
})
