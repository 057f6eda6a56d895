import { afterEach, describe, expect, it, vi } from 'vitest'

import { custodyOutbound, outbound } from '../../../src/platform/outbound.ts'
import { upstreamsOf } from '../../../src/platform/upstreams.ts'
import { answered, unwrap } from '../../../src/platform/answered.ts'
import { Fault } from '../../../src/fault.ts'
import { issuer, providerOf } from '../world/vars.ts'

const provider = providerOf()

afterEach(() => vi.unstubAllGlobals())

function network(answer: (request: Request) => Response | Promise<Response>): Request[] {
  const seen: Request[] = []
  vi.stubGlobal('fetch', async (target: string | Request, init?: RequestInit) => {
    const request = new Request(target, init)
    seen.push(request)
    const stopped = new Promise<never>((_resolve, reject) => {
      request.signal.addEventListener('abort', () => reject(new Error('aborted')))
    })
    return Promise.race([answer(request), stopped])
  })
  return seen
}

const never = () => new Promise<Response>(() => {})
const fails = (work: Promise<unknown>, kind: string) =>
  expect(work).rejects.toMatchObject({ name: 'Fault', kind })

describe('a request to a provider', () => {
  it('brings back what the provider says', async () => {
    network(() => Response.json({ a: 1 }))
    expect(await (await outbound(provider, `${issuer}/jwks`, {})).json()).toEqual({ a: 1 })
  })

  it('follows no redirect', async () => {
    const location = 'http://169.254.169.254/latest/meta-data'
    const seen = network(() => new Response(null, { status: 302, headers: { location } }))
    const answer = await outbound(provider, `${issuer}/token`, { method: 'POST', body: 'secret' })
    expect(answer.status).toBe(302)
    expect(seen).toHaveLength(1)
    expect(seen[0]?.redirect).toBe('manual')
  })

  it('goes to https alone, wherever the provider points', async () => {
    const seen = network(() => Response.json({}))
    await outbound(provider, `${issuer}/jwks`, {})
    const targets = [
      'http://id.example.com/jwks',
      'http://169.254.169.254/latest/meta-data',
      'http://localhost:8080/',
      'file:///etc/passwd',
      'data:application/json,{}',
      'ftp://id.example.com/',
      '//id.example.com/jwks',
      '',
    ]
    for (const url of targets) await fails(outbound(provider, url, {}), 'provider_malformed')
    expect(seen).toHaveLength(1)
  })

  it('goes over plain http to a development provider on loopback, and nowhere else', async () => {
    const seen = network(() => Response.json({}))
    const local = { ...provider, insecure: true }
    await outbound(local, 'http://localhost:9000/jwks', {})
    await fails(outbound(local, 'http://10.0.0.1/jwks', {}), 'provider_malformed')
    await fails(outbound(local, 'http://localhost.evil.example/jwks', {}), 'provider_malformed')
    expect(seen).toHaveLength(1)
  })

  it('is given up when the provider is silent, gone or without end', async () => {
    network(never)
    await fails(outbound({ ...provider, timeout: 0.02 }, `${issuer}/jwks`, {}), 'provider_slow')
    network(() => Promise.reject(new TypeError('connection refused')))
    await fails(outbound(provider, `${issuer}/jwks`, {}), 'provider_unreachable')
    network(() => new Response(new Uint8Array(262_145)))
    await fails(outbound(provider, `${issuer}/jwks`, {}), 'provider_malformed')
    network(() => new Response(new Uint8Array(262_144)))
    expect((await outbound(provider, `${issuer}/jwks`, {})).status).toBe(200)
  })
})

describe('a request to a custodian of keys', () => {
  const custodian = { timeout: 5, insecure: false }
  const url = 'https://vault.example.com/v1/transit/sign/shop'
  const init = { method: 'POST', headers: { 'x-vault-token': 'token' }, body: '{}' }

  it('brings back what the custodian says', async () => {
    const seen = network(() => Response.json({ data: 1 }))
    expect(await (await custodyOutbound(custodian, url, init)).json()).toEqual({ data: 1 })
    expect(seen[0]!.headers.get('x-vault-token')).toBe('token')
    expect(await seen[0]!.text()).toBe('{}')
  })

  // custodian-redirect
  it('follows no redirect with our credentials', async () => {
    const location = 'https://evil.example/v1/transit/sign/shop'
    const seen = network(() => new Response(null, { status: 307, headers: { location } }))
    expect((await custodyOutbound(custodian, url, init)).status).toBe(307)
    expect(seen).toHaveLength(1)
    expect(seen[0]!.redirect).toBe('manual')
  })

  it('goes to https, or to loopback in development', async () => {
    const seen = network(() => Response.json({}))
    const local = 'http://127.0.0.1:8200/v1/sys/health'
    await custodyOutbound({ ...custodian, insecure: true }, local, init)
    await fails(custodyOutbound(custodian, local, init), 'custody_malformed')
    await fails(
      custodyOutbound({ ...custodian, insecure: true }, 'http://10.0.0.1/', init),
      'custody_malformed',
    )
    expect(seen).toHaveLength(1)
  })

  it('is given up when the custodian is silent, gone or without end', async () => {
    network(never)
    await fails(custodyOutbound({ ...custodian, timeout: 0.02 }, url, init), 'custody_unreachable')
    network(() => Promise.reject(new TypeError('connection refused')))
    await fails(custodyOutbound(custodian, url, init), 'custody_unreachable')
    network(() => new Response(new Uint8Array(262_145)))
    await fails(custodyOutbound(custodian, url, init), 'custody_malformed')
  })
})

describe('a request to an origin', () => {
  const upstream = {
    kind: 'url',
    url: new URL('https://api.example'),
    certificate: undefined,
    timeout: 0.02,
    idle: undefined,
    retry: 0,
  } as const
  const init = { method: 'GET', headers: new Headers(), body: null, encoding: 'manual' } as const
  const ask = (to: Parameters<ReturnType<typeof upstreamsOf>['fetch']>[0], env = {}) =>
    upstreamsOf(env, () => undefined).fetch(to, 'https://api.example/x', init)

  it('brings back the answer, a redirect included', async () => {
    const seen = network(() => new Response(null, { status: 307, headers: { location: '/y' } }))
    expect((await ask(upstream)).status).toBe(307)
    expect(seen[0]?.redirect).toBe('manual')
  })

  it('is given up when the origin is silent or gone', async () => {
    network(never)
    await fails(ask(upstream), 'upstream_slow')
    network(() => Promise.reject(new TypeError('connection refused')))
    await fails(ask(upstream), 'upstream_unreachable')
  })

  it('is not sent without its proof, which is nobody’s fault but ours', async () => {
    const seen = network(() => new Response('hi'))
    const send = (prove: () => Promise<string>) =>
      upstreamsOf({}, () => undefined).fetch(upstream, 'https://api.example/x', { ...init, prove })
    await send(async () => 'proof')
    expect(seen[0]?.headers.get('dpop')).toBe('proof')
    const broken = new TypeError('no key')
    await expect(send(() => Promise.reject(broken))).rejects.toBe(broken)
    expect(seen).toHaveLength(1)
  })

  it('goes to a binding that exists', async () => {
    const binding = {
      kind: 'service',
      binding: 'API',
      timeout: 1,
      idle: undefined,
      retry: 0,
    } as const
    expect(await (await ask(binding, { API: { fetch: () => new Response('hi') } })).text()).toBe(
      'hi',
    )
    await fails(ask(binding), 'upstream_misconfigured')
    await fails(ask(binding, { API: 'text' }), 'upstream_misconfigured')
  })
})

describe('the answer of an object', () => {
  it('is its value, or its fault with the kind', async () => {
    expect(await unwrap(answered(async () => 1))).toBe(1)
    const slow = () => Promise.reject(new Fault('provider_slow', 'x'))
    await fails(unwrap(answered(slow)), 'provider_slow')
  })

  it('is a fault of the storage where the object itself broke', async () => {
    await fails(unwrap(answered(() => Promise.reject(new TypeError('x')))), 'storage_failed')
  })
})
