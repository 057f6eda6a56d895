import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'

import { type Fake, fakeVault, makePair } from '../unit/world/custodians.ts'
import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

let vault: Fake

beforeEach(async () => {
  // Of Ed25519 the custodian signs the message itself, so that the fake can sign any
  vault = fakeVault({ kept: [await makePair('EdDSA'), await makePair('EdDSA')] })
  world.outside.others.set('vault.test', async (request) =>
    vault.outbound({ timeout: 1, insecure: false }, request.url, {
      method: request.method,
      headers: Object.fromEntries(request.headers),
      body: await request.text(),
    }),
  )
})

/** By somebody of whom no assertion is at hand. */
async function call(client: Browser): Promise<Response> {
  const token = await world.outside.as.token({ scope: crypto.randomUUID() })
  return client.send('/x', { headers: { authorization: `Bearer ${token}` } })
}

const asked = (what: string) =>
  vault.sent.filter(({ url }) => url.pathname.startsWith(`/v1/transit/${what}/`)).length

async function operate(method: string, path: string): Promise<Response> {
  const said = { sub: 'app', aud: 'operator', scope: 'marks' }
  const authorization = `Bearer ${await world.outside.as.token(said)}`
  const client = new Browser('kept.test')
  return client.send(`/auth/operator${path}`, { method, headers: { authorization } })
}

describe('a site whose keys are in custody', () => {
  it('publishes them, and tells origins of its callers with signatures from there', async () => {
    const client = new Browser('kept.test')
    const set: JSONWebKeySet = await (await client.send('/.well-known/jwks.json')).json()
    expect(set.keys).toHaveLength(2)
    expect(JSON.stringify(set)).not.toContain('"d"')
    expect((await call(client)).status).toBe(200)
    const assertion = world.outside.last.headers.get('authorization')!.slice(7)
    const { payload, protectedHeader } = await jwtVerify(assertion, createLocalJWKSet(set), {
      issuer: 'https://kept.test',
      audience: 'kept-api',
      typ: 'sallyport+jwt',
    })
    expect(payload.sub).toBe('ada')
    expect(protectedHeader).toMatchObject({ alg: 'EdDSA', kid: set.keys[0]!.kid })
  })

  it('asks once: for the keys, and for a signature that is used again', async () => {
    const client = new Browser('kept.test')
    const token = await world.outside.as.token()
    for (let i = 0; i < 5; i++) {
      const headers = { authorization: `Bearer ${token}` }
      expect((await client.send('/x', { headers })).status).toBe(200)
    }
    expect([asked('keys'), asked('sign')]).toEqual([1, 1])
  })

  it('lets nobody pass without a signature, and makes no key of its own instead', async () => {
    const client = new Browser('kept.test')
    expect((await call(client)).status).toBe(200)
    for (const [instead, reason] of [
      [() => Response.json({ errors: ['sealed'] }, { status: 503 }), 'custody_unreachable'],
      [() => Response.json({ errors: ['no'] }, { status: 403 }), 'custody_refused'],
      [() => new Response('<html>'), 'custody_malformed'],
    ] as const) {
      vault.instead = instead
      for (const isolate of [client, new Browser('kept.test')]) {
        const received = world.outside.received.length
        expect(await problem(await call(isolate))).toEqual({ status: 503, reason })
        expect(world.outside.received).toHaveLength(received)
      }
    }
    vault.instead = undefined
    expect((await call(client)).status).toBe(200)
  })

  it('shows them to operators, who change them in custody and in the configuration', async () => {
    const shown = await operate('GET', '/keys')
    expect(await shown.json()).toMatchObject({
      custodian: 'safe',
      keys: [{ state: 'active' }, { state: 'published' }],
    })
    for (const change of ['/keys/rotate', '/keys/rollover'])
      expect(await problem(await operate('POST', change))).toEqual({
        status: 409,
        reason: 'keys_in_custody',
      })
  })
})
