import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, it, onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

import { type RunningApi, startApi } from '../../../examples/demo/api.ts'
import { FakeSite } from '../origin/site.ts'

interface Demo {
  readonly api: RunningApi
  /** What the Worker sends along for Ada. */
  readonly headers: Readonly<Record<string, string>>
}

/** The demo's API, with a site that publishes its keys. */
async function demo(): Promise<Demo> {
  let keys: unknown = []
  const published = createServer((_, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ keys }))
  })
  await new Promise<void>((resolve) => void published.listen(0, '127.0.0.1', resolve))
  const site = await FakeSite.make(
    `http://localhost:${String((published.address() as AddressInfo).port)}`,
  )
  site.now = Math.floor(Date.now() / 1000)
  keys = site.keys
  const api = await startApi({ port: 0, site: () => site.issuer, audience: 'orders' })
  onTestFinished(async () => {
    await api.close()
    published.close()
    published.closeAllConnections()
  })
  return { api, headers: { authorization: `Bearer ${await site.assertion()}` } }
}

const connect = ({ api, headers }: Demo, protocol = 'sallyport-demo.echo') =>
  new WebSocket(`${api.url.replace('http', 'ws')}/api/socket`, protocol, { headers })

/** The next message of the socket. */
async function next(socket: WebSocket): Promise<unknown> {
  const [data] = (await once(socket, 'message')) as [Buffer]
  return JSON.parse(data.toString())
}

/** The status of an answer in the place of a socket. */
async function refused(socket: WebSocket): Promise<number | undefined> {
  socket.on('error', () => undefined)
  const [, response] = (await once(socket, 'unexpected-response')) as [
    unknown,
    { readonly statusCode?: number },
  ]
  socket.terminate()
  return response.statusCode
}

it('takes an event stream, an upload and a socket of nobody whom the assertion does not name', async () => {
  const { api, headers } = await demo()
  const honest = await fetch(`${api.url}/api/upload`, { method: 'POST', body: 'a note', headers })
  expect(honest.status).toBe(200)
  for (const [path, method] of [
    ['/api/events', 'GET'],
    ['/api/upload', 'POST'],
  ] as const) {
    const answer = await fetch(api.url + path, { method, headers: { 'sallyport-subject': 'ada' } })
    expect([answer.status, await answer.json()], path).toEqual([
      401,
      { title: 'Unauthorized', status: 401, reason: 'assertion_missing' },
    ])
  }
  expect(await refused(connect({ api, headers: {} }))).toBe(401)
})

it('counts and hashes an upload, and says whose it was', async () => {
  const { api, headers } = await demo()
  const body = Buffer.alloc(3_000_000, 'sallyport')
  const answer = await fetch(`${api.url}/api/upload`, { method: 'POST', body, headers })
  expect(await answer.json()).toEqual({
    by: 'ada',
    bytes: body.length,
    sha256: createHash('sha256').update(body).digest('hex'),
  })
})

it.each([
  ['goes on with the count for a reader who comes back', '41', 'id: 42\n'],
  ['begins anew for one whose last id is none of ours', '41\nid: 7', 'id: 1\n'],
])('an event stream %s', async (_, last, first) => {
  const { api, headers } = await demo()
  const stop = new AbortController()
  const answer = await fetch(`${api.url}/api/events`, {
    headers: { ...headers, 'last-event-id': encodeURIComponent(last) },
    signal: stop.signal,
  })
  let text = ''
  for await (const chunk of answer.body!) {
    text += Buffer.from(chunk).toString()
    if (text.includes('data: ')) break
  }
  stop.abort()
  expect(text).toContain(first)
  expect(text).toContain('"for":"ada"')
})

it('a socket says who sent a line, and speaks its own subprotocol alone', async () => {
  const here = await demo()
  const socket = connect(here)
  expect(await next(socket)).toEqual({ hello: 'ada', sub: 'ada' })
  expect(socket.protocol).toBe('sallyport-demo.echo')
  socket.send('hello')
  expect(await next(socket)).toEqual({ from: 'ada', text: 'hello' })
  expect(await refused(connect(here, 'chat'))).toBe(400)
})

it('a line that is too long ends its own socket and nothing else', async () => {
  const here = await demo()
  const [long, other] = [connect(here), connect(here)]
  await Promise.all([next(long), next(other)])
  long.send('x'.repeat(4097))
  const [code] = (await once(long, 'close')) as [number]
  expect(code).toBe(1009)
  other.send('still here')
  expect(await next(other)).toEqual({ from: 'ada', text: 'still here' })
})

it('ends while somebody is connected', async () => {
  const here = await demo()
  const socket = connect(here)
  await next(socket)
  const closed = once(socket, 'close')
  await here.api.close()
  await closed
})
