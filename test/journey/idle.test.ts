import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { brotliCompressSync, gzipSync } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { ask, aStreamWorld, bodyOf, head, headOf, watchUpload, wireTo } from './stream-world.ts'

/** Seconds: the limit that the routes have here. */
const limit = 1
const upstream = { idle: `${String(limit)}s` }
const world = aStreamWorld(
  [
    { path: '/*', upstream, page_headers: false },
    { path: '/free/*', page_headers: false },
    { path: '/page/*', upstream },
    {
      path: '/known/*',
      upstream,
      page_headers: false,
      access: { any: ['bearer'], audience: 'api' },
    },
  ],
  { page_headers: { content_security_policy: "script-src 'nonce-{nonce}'" } },
)

const idleLines = () => world().log.filter((line) => line.includes('"upstream.idle"')).length
const known = () => ({ Authorization: `Bearer ${world().token}` })

/** Pieces with pauses that are shorter than the limit, and longer than it together. */
const pieces = ['one ', 'two ', 'three ', 'four ', 'five']
const pause = 400

describe('an answer', () => {
  it('that is slow and goes on passes whole, its length, bytes and compression as they were', async () => {
    const before = idleLines()
    for (const path of ['/x', '/known/x']) {
      world().origin = (_, response) => {
        response.writeHead(200, { 'content-length': pieces.join('').length })
        void (async () => {
          for (const piece of pieces) {
            response.write(piece)
            await wait(pause)
          }
          response.end()
        })()
      }
      const raw = await ask(world(), head(world(), `GET ${path}`, known()))
      expect(headOf(raw)).toContain(`Content-Length: ${String(pieces.join('').length)}\r\n`)
      expect(bodyOf(raw).toString()).toBe(pieces.join(''))
    }
    for (const [encoding, bytes] of [
      ['gzip', gzipSync(randomBytes(300_000))],
      ['br', brotliCompressSync(randomBytes(3000))],
    ] as const) {
      world().origin = (_, response) => {
        const headers = { 'content-encoding': encoding, 'content-length': bytes.length }
        response.writeHead(200, headers).end(bytes)
      }
      const raw = await ask(world(), head(world(), 'GET /x'))
      expect(headOf(raw)).toContain(`Content-Length: ${String(bytes.length)}\r\n`)
      expect(bodyOf(raw).equals(bytes)).toBe(true)
    }
    expect(idleLines()).toBe(before)
  })

  it('that is a page is read and compressed again', async () => {
    world().origin = (_, response) => {
      const headers = { 'content-type': 'text/html', 'content-encoding': 'gzip' }
      response.writeHead(200, headers).end(gzipSync('<script></script>'))
    }
    const response = await fetch(`${world().site}/page/x`)
    expect(await response.text()).toMatch(/^<script nonce="[^"]+"><\/script>$/)
  })

  it('without a body is as it was', async () => {
    world().origin = (request, response) => {
      if (request.method === 'HEAD') response.writeHead(200, { 'content-length': 123_456 }).end()
      else response.writeHead(204).end()
    }
    expect(headOf(await ask(world(), head(world(), 'HEAD /x')))).toContain('Length: 123456\r\n')
    expect(headOf(await ask(world(), head(world(), 'GET /x')))).toMatch(/^HTTP\/1.1 204 /)
  })

  it('that falls silent is broken off here and at the origin, and does not look whole', async () => {
    const answers = [
      { path: '/x', headers: {} },
      { path: '/x', headers: { 'content-length': 1000 } },
      { path: '/x', headers: { 'content-type': 'text/event-stream' } },
      { path: '/known/x', headers: { 'content-type': 'text/event-stream' } },
      { path: '/page/x', headers: { 'content-type': 'text/html' } },
    ]
    for (const { path, headers } of answers) {
      const before = idleLines()
      const closed = new Promise<void>((resolve) => {
        world().origin = (_, response) => {
          response.on('close', resolve)
          response.writeHead(200, headers).write('data: begun\n\n')
        }
      })
      const text = (await ask(world(), head(world(), `GET ${path}`, known()))).toString()
      expect(text, path).toContain('data: begun')
      if (!text.includes('Content-Length')) expect(text, path).not.toMatch(/\r\n0\r\n\r\n$/)
      await closed
      expect(idleLines()).toBe(before + 1)
    }
  })

  it('is let be by default, and while its client is slow', async () => {
    const before = idleLines()
    let end = (): unknown => undefined
    world().origin = (_, response) => {
      end = () => response.end('over')
      response.write('begun')
    }
    const free = wireTo(world().port, head(world(), 'GET /free/x'))
    await free.until((text) => text.includes('begun'))
    await wait(limit * 2500)
    end()
    expect(await free.closed()).toMatch(/over\r\n0\r\n\r\n$/)

    // More than all buffers on the way hold.
    const bytes = randomBytes(32 * 1024 * 1024)
    world().origin = (_, response) =>
      void response.writeHead(200, { 'content-length': bytes.length }).end(bytes)
    const slow = wireTo(world().port, head(world(), 'GET /x'))
    await slow.until((text) => text.length > 0)
    slow.socket.pause()
    await wait(limit * 2500)
    slow.socket.resume()
    await slow.closed()
    expect(bodyOf(slow.received()).equals(bytes)).toBe(true)
    expect(idleLines()).toBe(before)
  })

  it('that the client breaks off while the origin is silent ends there within the limit', async () => {
    const closed = new Promise<void>((resolve) => {
      world().origin = (_, response) => {
        response.on('close', resolve)
        response.write('begun')
      }
    })
    const wire = wireTo(world().port, head(world(), 'GET /x'))
    await wire.until((text) => text.includes('begun'))
    wire.socket.destroy()
    await closed
  })
})

describe('an upload', () => {
  it('that is slow and goes on arrives whole, and its answer may take longer than the limit', async () => {
    const digest = (bytes: string) => createHash('sha256').update(bytes).digest('hex')
    const whole = pieces.join('')
    const seen: unknown[] = []
    world().origin = (request, response) => {
      const hash = createHash('sha256')
      request.on('data', (chunk: Buffer) => hash.update(chunk))
      request.on('end', () => {
        seen.push([request.headers['content-length'], hash.digest('hex')])
        setTimeout(() => response.end('taken'), limit * 1500)
      })
    }
    const chunked = (piece: string) => `${piece.length.toString(16)}\r\n${piece}\r\n`
    for (const length of [String(whole.length), undefined]) {
      const headers: Record<string, string> =
        length === undefined ? { 'Transfer-Encoding': 'chunked' } : { 'Content-Length': length }
      const wire = wireTo(world().port, head(world(), 'POST /x', headers))
      for (const piece of pieces) {
        wire.socket.write(length === undefined ? chunked(piece) : piece)
        await wait(pause)
      }
      if (length === undefined) wire.socket.write('0\r\n\r\n')
      expect(await wire.closed()).toMatch(/taken/)
    }
    expect(seen).toEqual([
      [String(whole.length), digest(whole)],
      [undefined, digest(whole)],
    ])
  })

  it('whose client falls silent, or whose origin takes nothing, is broken off and answered 504', async () => {
    for (const [name, size] of [
      ['silent client', 3],
      ['deaf origin', 64 * 1024 * 1024],
    ] as const) {
      let listen = (): unknown => undefined
      const end = new Promise<string>((resolve) => {
        world().origin = (request) => {
          listen = () => request.resume()
          request.on('end', () => resolve('whole'))
          request.on('error', () => resolve('broken'))
          if (name === 'silent client') listen()
        }
      })
      const headers = { 'Content-Length': '100000000' }
      const wire = wireTo(world().port, head(world(), 'POST /x', headers))
      wire.socket.write(Buffer.alloc(size))
      expect(await wire.until((text) => text.includes('upstream_idle')), name).toMatch(
        /^HTTP\/1.1 504 /,
      )
      wire.socket.destroy()
      listen()
      expect(await end, name).toBe('broken')
    }
  })

  it('whose client breaks off is broken off at the origin', async () => {
    const { started, end } = watchUpload(world())
    const start = head(world(), 'POST /x', { 'Transfer-Encoding': 'chunked' })
    const wire = wireTo(world().port, `${start}3\r\nabc\r\n`)
    await started
    wire.socket.destroy()
    expect(await end).toBe('broken')
  })

  it('that an answer overtakes does not break the answer off', async () => {
    world().origin = (_, response) => {
      // Nothing of the upload is read.
      void (async () => {
        for (const piece of pieces) {
          response.write(piece)
          await wait(pause)
        }
        response.end()
      })()
    }
    const wire = wireTo(world().port, head(world(), 'POST /x', { 'Content-Length': '100000000' }))
    wire.socket.write(Buffer.alloc(64 * 1024 * 1024))
    expect(await wire.until((text) => text.endsWith('\r\n0\r\n\r\n'))).toContain('five')
    wire.socket.destroy()
  })
})
