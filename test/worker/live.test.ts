import { env } from 'cloudflare:workers'
import { beforeEach, describe, expect, it } from 'vitest'

import { Denylist } from '../../src/platform/denylist.ts'
import type { Environment } from '../../src/platform/environment.ts'
import type { MarkTarget } from '../../src/revocation/mark.ts'
import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

const subject: MarkTarget = { kind: 'subject', issuer: 'https://as.test', id: 'ada' }
/** Seconds, of the route; and what a slow machine may add. */
const bound = 2
const grace = 1

async function revoke(target: MarkTarget = subject): Promise<number> {
  const times = { edgeFor: 3600, keepFor: 3600, reason: 'test', by: 'test' }
  const denylist = new Denylist({ ...env } as unknown as Environment)
  await denylist.add([{ site: 'shop', target, before: 'now', ...times }])
  return Date.now()
}

/** Sends a piece every 100 ms for as long as somebody listens. */
function eventStream(): Response {
  let timer: ReturnType<typeof setInterval>
  const body = new ReadableStream({
    start(controller) {
      let count = 0
      timer = setInterval(() => {
        controller.enqueue(new TextEncoder().encode(`data: ${String(++count)}\n\n`))
      }, 100)
    },
    cancel: () => clearInterval(timer),
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
}

/** Reads to the end; how much came, and when it ended. */
async function readAll(response: Response): Promise<{ text: string; at: number }> {
  const text = await response.text()
  return { text, at: Date.now() }
}

async function withToken(claims: Readonly<Record<string, unknown>> = {}) {
  return { authorization: `Bearer ${await world.outside.as.token(claims)}` }
}

describe('an event stream', () => {
  beforeEach(() => {
    world.outside.origin = () => eventStream()
  })

  it('ends within the bound when the authority that opened it is revoked', async () => {
    const response = await new Browser().send('/live/events', { headers: await withToken() })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const read = readAll(response)
    await scheduler.wait(500)
    const revokedAt = await revoke()
    const { text, at } = await read
    expect(text).toMatch(/^data: 1\n\ndata: 2\n\n/)
    expect(at - revokedAt).toBeLessThan((bound + grace) * 1000)
    expect(world.log).toContainEqual(
      expect.objectContaining({ event: 'connection.ended', kind: 'stream', how: 'revoked' }),
    )
  })

  it('ends when the token runs out', async () => {
    const exp = Math.floor(Date.now() / 1000) + 2
    const response = await new Browser().send('/live/events', { headers: await withToken({ exp }) })
    const { at } = await readAll(response)
    expect(at).toBeGreaterThanOrEqual(exp * 1000)
    expect(at).toBeLessThan((exp + grace) * 1000)
  })

  it('of a session ends when its person signs out elsewhere', async () => {
    const browser = new Browser()
    await browser.signIn()
    const read = readAll(await browser.copy().send('/live/events'))
    await scheduler.wait(300)
    await browser.post('/auth/logout')
    const at = Date.now()
    expect((await read).at - at).toBeLessThan((bound + grace) * 1000)
  })

  it('ends as soon as the origin ends it', async () => {
    world.outside.origin = () =>
      new Response('data: once\n\n', { headers: { 'content-type': 'text/event-stream' } })
    const response = await new Browser().send('/live/events', { headers: await withToken() })
    expect(await response.text()).toBe('data: once\n\n')
  })

  it('is let be where the route says so', async () => {
    const response = await new Browser().send('/live/passed', { headers: await withToken() })
    await revoke()
    const reader = response.body!.getReader()
    const until = Date.now() + (bound + grace) * 1000
    while (Date.now() < until) expect((await reader.read()).done).toBe(false)
    await reader.cancel()
  })
})

/** An origin that answers every message with the same, and remembers how it was closed. */
function echo(): { closed: Promise<number>; origin: () => Response } {
  let close: (code: number) => void = () => undefined
  const closed = new Promise<number>((resolve) => (close = resolve))
  const origin = (): Response => {
    const { 0: ours, 1: theirs } = new WebSocketPair()
    theirs.binaryType = 'arraybuffer'
    theirs.accept()
    theirs.addEventListener('message', ({ data }) => theirs.send(data))
    theirs.addEventListener('close', ({ code }) => close(code))
    const headers = { 'sec-websocket-protocol': 'chat' }
    return new Response(null, { status: 101, webSocket: ours, headers })
  }
  return { closed, origin }
}

async function open(
  browser: Browser,
  headers: Readonly<Record<string, string>>,
  path = '/live/socket',
): Promise<{ response: Response; socket: WebSocket }> {
  const response = await browser.send(path, {
    headers: { upgrade: 'websocket', 'sec-websocket-protocol': 'chat', ...headers },
  })
  const socket = response.webSocket
  if (socket === null) throw new Error(`no socket: ${String(response.status)}`)
  socket.binaryType = 'arraybuffer'
  socket.accept()
  return { response, socket }
}

function closeOf(socket: WebSocket): Promise<{ code: number; at: number }> {
  return new Promise((resolve) =>
    socket.addEventListener('close', ({ code }) => resolve({ code, at: Date.now() })),
  )
}

describe('a WebSocket', () => {
  it('is relayed with its subprotocol, in order, text as text and bytes as bytes', async () => {
    const { closed, origin } = echo()
    world.outside.origin = origin
    const { response, socket } = await open(new Browser(), await withToken())
    expect(response.headers.get('sec-websocket-protocol')).toBe('chat')
    expect(world.outside.last.headers.get('authorization')).toBeNull()
    expect(world.outside.last.headers.get('sec-websocket-protocol')).toBe('chat')
    const got: unknown[] = []
    const all = new Promise<void>((resolve) => {
      socket.addEventListener('message', ({ data }) => {
        got.push(typeof data === 'string' ? data : [...new Uint8Array(data as ArrayBuffer)])
        if (got.length === 100) resolve()
      })
    })
    for (let i = 0; i < 50; i++) {
      socket.send(String(i))
      socket.send(Uint8Array.of(i))
    }
    await all
    expect(got).toEqual(Array.from({ length: 50 }, (_, i) => [String(i), [i]]).flat(1))
    socket.close(4000, 'enough')
    expect(await closed).toBe(4000)
  })

  it('is closed with 4401 within the bound when the authority that opened it is revoked', async () => {
    const { closed, origin } = echo()
    world.outside.origin = origin
    const { socket } = await open(new Browser(), await withToken())
    const end = closeOf(socket)
    await scheduler.wait(300)
    const revokedAt = await revoke()
    const { code, at } = await end
    expect(code).toBe(4401)
    expect(at - revokedAt).toBeLessThan((bound + grace) * 1000)
    expect(await closed).toBe(1000)
  })

  it('is closed when the token runs out', async () => {
    const { origin } = echo()
    world.outside.origin = origin
    const exp = Math.floor(Date.now() / 1000) + 2
    const { socket } = await open(new Browser(), await withToken({ exp }))
    expect((await closeOf(socket)).code).toBe(4401)
  })

  it('of a session needs to come from a page of the site', async () => {
    const { origin } = echo()
    world.outside.origin = origin
    const browser = new Browser()
    await browser.signIn()
    const { socket } = await open(browser, { origin: 'https://shop.test' })
    socket.close()
    const foreign = { upgrade: 'websocket', origin: 'https://evil.test' }
    expect(await problem(await browser.send('/live/socket', { headers: foreign }))).toEqual({
      status: 403,
      reason: 'cross_site',
    })
    expect(world.outside.received).toHaveLength(1)
  })

  it('is let be where the route says so, and where nobody is known', async () => {
    const { origin } = echo()
    world.outside.origin = origin
    for (const path of ['/live/passed', '/public/socket']) {
      const { socket } = await open(
        new Browser(),
        path === '/public/socket' ? {} : await withToken(),
        path,
      )
      const echoed = new Promise<unknown>((resolve) =>
        socket.addEventListener('message', ({ data }) => resolve(data)),
      )
      socket.send('hello')
      expect(await echoed, path).toBe('hello')
      socket.close()
    }
  })

  it('is what an origin answers that takes none: its answer is passed on', async () => {
    world.outside.origin = () => new Response('no sockets here', { status: 426 })
    const response = await new Browser().send('/live/socket', {
      headers: { upgrade: 'websocket', ...(await withToken()) },
    })
    expect([response.status, await response.text()]).toEqual([426, 'no sockets here'])
  })
})
