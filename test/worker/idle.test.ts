import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

/** A site whose origin is behind a service binding. What real connections show is in test/journey/idle.test.ts. */
function clientOf(answer: (request: Request) => Response | Promise<Response>, idle = '1s') {
  const upstream = { service: 'API', idle }
  const SITES = [
    { id: 'up', hosts: ['up.test'], routes: [{ path: '/*', access: 'public', upstream }] },
  ]
  const fetch = async (url: string, init: RequestInit) => answer(new Request(url, init))
  return new Browser('up.test', { SITES, API: { fetch } })
}

/** `count` pieces, one every 400 ms; then it ends or falls silent. */
function slowly(count: number, after: 'end' | 'silence') {
  const ended = Promise.withResolvers<void>()
  let sent = 0
  const stream = new ReadableStream({
    type: 'bytes',
    async pull(controller) {
      if (sent === count) return after === 'end' ? controller.close() : ended.promise
      await scheduler.wait(400)
      controller.enqueue(new TextEncoder().encode(String(++sent)))
    },
    cancel: () => ended.resolve(),
  })
  return { stream, ended: ended.promise }
}

const idleEvents = () => world.log.filter(({ event }) => event === 'upstream.idle')

describe('a route with an idle limit', () => {
  it('passes an answer that is slow and goes on', async () => {
    const { stream } = slowly(4, 'end')
    const response = await clientOf(() => new Response(stream)).send('/x')
    expect(await response.text()).toBe('1234')
    await scheduler.wait(1500)
    expect(idleEvents()).toEqual([])
  })

  it('breaks off an answer that falls silent, on both sides', async () => {
    const { stream, ended } = slowly(2, 'silence')
    const response = await clientOf(() => new Response(stream)).send('/x')
    const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
    expect([(await reader.read()).value, (await reader.read()).value]).toEqual(['1', '2'])
    await expect(reader.read()).rejects.toThrow('nothing moved')
    await ended
    expect(idleEvents()).toEqual([
      {
        level: 'error',
        event: 'upstream.idle',
        kind: 'upstream_idle',
        detail: 'upstream_idle: nothing moved for 1 s',
      },
    ])
  })

  it('passes an upload that is slow and goes on, and refuses one that falls silent', async () => {
    const client = clientOf(async (request) => new Response(await request.text()))
    const honest = slowly(4, 'end')
    expect(await (await client.send('/x', { method: 'POST', body: honest.stream })).text()).toBe(
      '1234',
    )
    const silent = slowly(2, 'silence')
    expect(await problem(await client.send('/x', { method: 'POST', body: silent.stream }))).toEqual(
      { status: 504, reason: 'upstream_idle' },
    )
    await silent.ended
    expect(idleEvents()).toHaveLength(1)
  })

  it('does not blame the origin where the client breaks its upload off', async () => {
    const client = clientOf(async (request) => new Response(await request.text()), '10s')
    const upload = (end: (controller: ReadableByteStreamController) => void) =>
      new ReadableStream({
        type: 'bytes',
        start: (controller) => controller.enqueue(new Uint8Array(3)),
        pull: end,
      })
    const honest = upload((controller) => controller.close())
    expect((await client.send('/x', { method: 'POST', body: honest })).status).toBe(200)
    const left = upload((controller) => controller.error(new Error('the client left')))
    expect(await problem(await client.send('/x', { method: 'POST', body: left }))).toEqual({
      status: 502,
      reason: 'upstream_unreachable',
    })
    expect(world.log).toContainEqual(
      expect.objectContaining({
        event: 'request.failed',
        detail: 'upstream_unreachable: the client broke its upload off',
      }),
    )
    expect(idleEvents()).toEqual([])
  })

  it('waits for a client that is slow to take what has come', async () => {
    const bytes = new Uint8Array(1_000_000)
    const response = await clientOf(() => new Response(bytes)).send('/x')
    const reader = response.body!.getReader()
    let length = (await reader.read()).value?.length ?? 0
    await scheduler.wait(2500)
    for (;;) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.length
    }
    expect(length).toBe(bytes.length)
    expect(idleEvents()).toEqual([])
  })

  it('lets a WebSocket be', async () => {
    const client = clientOf(() => {
      const { 0: ours, 1: theirs } = new WebSocketPair()
      theirs.accept()
      theirs.addEventListener('message', ({ data }) => theirs.send(data))
      return new Response(null, { status: 101, webSocket: ours })
    })
    const { webSocket } = await client.send('/x', { headers: { upgrade: 'websocket' } })
    webSocket!.accept()
    await scheduler.wait(1500)
    const echoed = new Promise((resolve) =>
      webSocket!.addEventListener('message', ({ data }) => resolve(data)),
    )
    webSocket!.send('still there')
    expect(await echoed).toBe('still there')
    webSocket!.close()
    expect(idleEvents()).toEqual([])
  })
})
