import { describe, expect, it, vi } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

type Answer = (request: Request) => Response

/** A binding of the Worker; what it was asked for. */
function bindingWith(answer: Answer) {
  const asked: string[] = []
  const fetch = async (url: string, init: RequestInit) => {
    const request = new Request<unknown, CfProperties>(url, init)
    asked.push(`${request.method} ${new URL(request.url).pathname}`)
    return answer(request)
  }
  return { asked, fetch }
}

/** A site of its own, so that it may name bindings that only these tests have. */
function clientOf(upstream: object, bindings: Record<string, unknown> = {}): Browser {
  const SITES = [
    { id: 'up', hosts: ['up.test'], routes: [{ path: '/*', access: 'public', upstream }] },
  ]
  return new Browser('up.test', { SITES, ...bindings })
}

describe('requests that fail on the way', () => {
  const again = { url: 'https://api.test', retry: 2 }

  it('are sent again where the configuration says so, and the origin may come back', async () => {
    for (const failure of [
      () => new Response('busy', { status: 503 }),
      () => new Response('gone', { status: 502 }),
      () => {
        throw new TypeError('connection refused')
      },
    ]) {
      const origin = vi.fn<Answer>(() => Response.json({ ok: true }))
      origin.mockImplementationOnce(failure)
      world.outside.origin = origin
      expect((await clientOf(again).send('/x')).status).toBe(200)
      expect(origin).toHaveBeenCalledTimes(2)
    }
  })

  it('are given up after so many times, and told of as they ended', async () => {
    const origin = vi.fn<Answer>(() => new Response('busy', { status: 503 }))
    world.outside.origin = origin
    const last = await clientOf(again).send('/x')
    expect([last.status, await last.text()]).toEqual([503, 'busy'])
    expect(origin).toHaveBeenCalledTimes(3)
    origin.mockImplementation(() => {
      throw new TypeError('connection refused')
    })
    expect(await problem(await clientOf(again).send('/x'))).toEqual({
      status: 502,
      reason: 'upstream_unreachable',
    })
  })

  it('are sent once where they may do something, or have a body', async () => {
    const origin = vi.fn<Answer>(() => new Response('busy', { status: 503 }))
    world.outside.origin = origin
    const client = clientOf(again)
    // The honest one is repeated
    expect((await client.send('/x', { method: 'HEAD' })).status).toBe(503)
    expect(origin).toHaveBeenCalledTimes(3)
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      origin.mockClear()
      expect((await client.send('/x', { method })).status).toBe(503)
      expect(origin, method).toHaveBeenCalledTimes(1)
    }
  })

  it('are sent once by default, and where the origin says when to come again', async () => {
    const origin = vi.fn<Answer>(() => new Response('busy', { status: 503 }))
    world.outside.origin = origin
    expect((await clientOf({ url: 'https://api.test' }).send('/x')).status).toBe(503)
    expect(origin).toHaveBeenCalledTimes(1)
    origin.mockClear()
    const headers = { 'retry-after': '10' }
    origin.mockImplementation(() => new Response('busy', { status: 503, headers }))
    expect((await clientOf(again).send('/x')).headers.get('retry-after')).toBe('10')
    expect(origin).toHaveBeenCalledTimes(1)
  })
})

describe('static assets', () => {
  const assets = () =>
    bindingWith((request) =>
      ['/index.html', '/app.js'].includes(new URL(request.url).pathname)
        ? new Response('asset')
        : new Response('none', { status: 404 }),
    )

  it('give the app’s page to a person who navigates to a place of the app', async () => {
    const ASSETS = assets()
    const client = clientOf({ assets: 'ASSETS', fallback: '/index.html' }, { ASSETS })
    const page = await client.navigate('/orders/7')
    expect([page.status, await page.text()]).toEqual([200, 'asset'])
    expect(ASSETS.asked).toEqual(['GET /orders/7', 'GET /index.html'])
    expect((await client.navigate('/app.js')).status).toBe(200)
  })

  it('give it to nobody else, and nowhere where it is not asked for', async () => {
    const ASSETS = assets()
    const client = clientOf({ assets: 'ASSETS', fallback: '/index.html' }, { ASSETS })
    expect((await client.send('/missing.js')).status).toBe(404)
    expect((await client.post('/orders/7')).status).toBe(404)
    expect((await clientOf({ assets: 'ASSETS' }, { ASSETS }).navigate('/orders/7')).status).toBe(
      404,
    )
  })
})

describe('an upstream that wants to know who calls', () => {
  it('is reached by the binding that shows our certificate, and by nothing else', async () => {
    const CERT = bindingWith(() => new Response('known'))
    const client = clientOf({ url: 'https://api.test/v1', certificate: 'CERT' }, { CERT })
    expect(await (await client.send('/x')).text()).toBe('known')
    expect(CERT.asked).toEqual(['GET /v1/x'])
    expect(world.outside.received).toEqual([])
    expect(
      await problem(await clientOf({ url: 'https://api.test', certificate: 'CERT' }).send('/x')),
    ).toEqual({
      status: 503,
      reason: 'configuration',
    })
  })
})
