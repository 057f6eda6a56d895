/** The real frameworks, each asked over its own way in. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'

import type { Refusal } from '../../../src/origin/assertion.ts'
import { requireAssertion as requireInExpress } from '../../../src/origin/express.ts'
import { requireAssertion as requireInFastify } from '../../../src/origin/fastify.ts'
import { requireAssertion as requireInHono } from '../../../src/origin/hono.ts'
import { type AssertionVerifier, createAssertionVerifier } from '../../../src/origin/verifier.ts'
import { FakeSite } from './site.ts'

const site = await FakeSite.make()
const refusals: Refusal[] = []
const onRefusal = (refusal: Refusal) => void refusals.push(refusal)
let handled = 0
beforeEach(() => {
  handled = 0
  refusals.length = 0
  site.isDown = false
})

type Ask = (headers: Record<string, string>) => Promise<Response>
const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

/** Asks over a socket. */
async function over(server: Server): Promise<Ask> {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return (headers) => fetch(`http://127.0.0.1:${port}/orders`, { headers })
}

function honoApp(verifier: AssertionVerifier): Promise<Ask> {
  const app = new Hono()
  app.onError((_error, c) => c.body(null, 500))
  app.get('/orders', requireInHono(verifier, { onRefusal }), (c) => {
    handled++
    return c.json({ subject: c.var.caller.subject })
  })
  return Promise.resolve(async (headers) => await app.request('/orders', { headers }))
}

function expressApp(verifier: AssertionVerifier): Promise<Ask> {
  const app = express()
  app.use(requireInExpress(verifier, { onRefusal }))
  app.get('/orders', (request, response) => {
    handled++
    response.json({ subject: request.auth?.subject })
  })
  return over(createServer(app))
}

async function fastifyApp(verifier: AssertionVerifier): Promise<Ask> {
  const app = fastify({ serverFactory: (handler) => createServer(handler) })
  app.addHook('onRequest', requireInFastify(verifier, { onRefusal }))
  app.get('/orders', (request) => {
    handled++
    return { subject: request.user?.subject }
  })
  await app.ready()
  return over(app.server)
}

describe.each([
  ['Hono', honoApp],
  ['Express', expressApp],
  ['Fastify', fastifyApp],
])('behind the hook for %s', (_name, appOf) => {
  it('a handler knows who calls', async () => {
    const ask = await appOf(createAssertionVerifier(site.options()))
    const answer = await ask({ authorization: `Bearer ${await site.assertion()}` })
    expect([answer.status, await answer.json()]).toEqual([200, { subject: 'ada' }])
    const own = await ask({ 'sallyport-assertion': await site.assertion() })
    expect([own.status, await own.json()]).toEqual([200, { subject: 'ada' }])
    expect([handled, refusals]).toEqual([2, []])
  })

  it('nothing is reached without an assertion, or with a bad one', async () => {
    const ask = await appOf(createAssertionVerifier(site.options()))
    const forged = await site.forged({ aud: 'invoices' })
    for (const [headers, reason, check] of [
      [{}, 'assertion_missing', undefined],
      [{ authorization: `Bearer ${forged}` }, 'assertion_refused', 'audience'],
    ] as const) {
      const answer = await ask(headers)
      expect(answer.status).toBe(401)
      expect(answer.headers.get('www-authenticate')).toBe('Bearer')
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(await answer.json()).toEqual({ title: 'Unauthorized', status: 401, reason })
      expect(refusals.pop()).toEqual(check === undefined ? { reason } : { reason, check })
    }
    expect(handled).toBe(0)
  })

  it('a site that cannot be asked is no fault of the caller', async () => {
    const ask = await appOf(createAssertionVerifier(site.options()))
    site.isDown = true
    const answer = await ask({ authorization: `Bearer ${await site.assertion()}` })
    expect([answer.status, answer.headers.get('retry-after')]).toEqual([503, '5'])
    expect(answer.headers.get('www-authenticate')).toBeNull()
    expect(await answer.json()).toMatchObject({ reason: 'keys_unavailable' })
    expect(handled).toBe(0)
  })

  it('nothing is reached where the verifier itself breaks', async () => {
    const broken = () => Promise.reject(new Error('broken'))
    const ask = await appOf({ verify: broken, verifyRequest: broken })
    const answer = await ask({ authorization: `Bearer ${await site.assertion()}` })
    expect([answer.status, handled]).toEqual([500, 0])
  })
})
