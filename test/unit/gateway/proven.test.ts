import { describe, expect, it } from 'vitest'

import type { Origin } from '../../../src/config/route.ts'
import { fetchProven } from '../../../src/gateway/proven.ts'
import type { ProvenRequest } from '../../../src/oidc/origin-proof.ts'
import { makePorts, type Ports, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const origin: Origin = {
  kind: 'url',
  url: new URL('https://api.example.com'),
  certificate: undefined,
  timeout: 1,
  idle: undefined,
  retry: 0,
}
const binding: Origin = { kind: 'service', binding: 'API', timeout: 1, idle: undefined, retry: 0 }

function refusal(challenge: string, nonce = 'n1', status = 401): Response {
  const headers = { 'www-authenticate': challenge, 'dpop-nonce': nonce }
  return new Response(null, { status, headers })
}

interface Asked {
  readonly upstream?: Origin
  readonly url?: string
  readonly body?: ReadableStream | null
  readonly headers?: Record<string, string>
  /** The site's id. */
  readonly at?: string
}

/** Asks an origin that answers these in turn; gives the last answer, and each proof's content. */
async function ask(ports: Ports, answers: readonly Response[], asked: Asked = {}) {
  const proofs: ProvenRequest[] = []
  const rest = [...answers]
  const upstreams: Ports['upstreams'] = {
    async fetch(_upstream, _url, { prove }) {
      await prove?.()
      return rest.shift() ?? new Response('fine')
    },
  }
  const asking = visit('/x')
  const site = asked.at === undefined ? asking.site : siteOf({ site: { id: asked.at } })
  const { upstream = origin, url = 'https://api.example.com/x', body = null, headers = {} } = asked
  const response = await fetchProven(
    { ...ports, upstreams },
    { ...asking, site },
    upstream,
    url,
    { method: 'POST', headers: new Headers(headers), body, encoding: 'manual' },
    async (request) => {
      proofs.push(request)
      return 'proof'
    },
  ).catch((error: unknown) => (error as { kind: string }).kind)
  const outcome = typeof response === 'string' ? response : response.status
  return { outcome, nonces: proofs.map(({ nonce }) => nonce), ids: proofs.map(({ id }) => id) }
}

describe('an origin that wants a nonce', () => {
  it('gets it with another proof, however it says so', async () => {
    for (const challenge of [
      'DPoP error="use_dpop_nonce"',
      'DPoP algs="ES256", error=use_dpop_nonce',
      'Bearer realm="DPoP", error="invalid_token", dpop algs="ES256",error="use_dpop_nonce"',
    ]) {
      const { outcome, nonces, ids } = await ask(makePorts(), [refusal(challenge)])
      expect([outcome, nonces], challenge).toEqual([200, [undefined, 'n1']])
      expect(new Set(ids).size).toBe(2)
    }
  })

  it('is one that says just that', async () => {
    for (const response of [
      () => refusal('Bearer error="use_dpop_nonce"'),
      () => refusal('DPoP error="invalid_token"'),
      () => refusal('DPoP error="use_dpop_nonce_not"'),
      () => refusal('DPoP error="use_dpop_nonce"', 'n1', 403),
    ])
      expect((await ask(makePorts(), [response()])).nonces).toEqual([undefined])
  })

  it('is not asked a third time', async () => {
    const no = () => refusal('DPoP error="use_dpop_nonce"')
    expect(await ask(makePorts(), [no(), no()])).toMatchObject({
      outcome: 'upstream_proof_refused',
      nonces: [undefined, 'n1'],
    })
  })

  it('finds it in the next proof, and no other origin does', async () => {
    const ports = makePorts()
    await ask(ports, [new Response(null, { headers: { 'dpop-nonce': 'n7' } })])
    const url = 'https://other.example.com/x'
    expect((await ask(ports, [])).nonces).toEqual(['n7'])
    expect((await ask(ports, [], { url })).nonces).toEqual([undefined])
    expect((await ask(ports, [], { upstream: binding })).nonces).toEqual([undefined])
    expect((await ask(ports, [], { at: 'other' })).nonces).toEqual([undefined])
    const upstream = { ...origin, certificate: 'CERT' }
    expect((await ask(ports, [], { upstream })).nonces).toEqual([undefined])
  })

  it('gives one that is none: it goes nowhere', async () => {
    for (const nonce of ['', 'a"b', 'a b', 'a\\b', 'x'.repeat(513)]) {
      const ports = makePorts()
      await ask(ports, [new Response(null, { headers: { 'dpop-nonce': nonce } })])
      expect((await ask(ports, [])).nonces, nonce).toEqual([undefined])
    }
  })

  it('gets a small body again, and a long or unmeasured one not', async () => {
    const sent = (length: string | undefined) => ({
      body: new Response('hello').body,
      ...(length === undefined ? {} : { headers: { 'content-length': length } }),
    })
    const no = () => refusal('DPoP error="use_dpop_nonce"')
    expect((await ask(makePorts(), [no()], sent('5'))).outcome).toBe(200)
    for (const length of ['65537', '5e1', undefined])
      expect((await ask(makePorts(), [no()], sent(length))).outcome).toBe('upstream_proof_refused')
  })
})
