import { createHash, randomBytes } from 'node:crypto'
import { brotliCompressSync, constants, createGzip, gzipSync } from 'node:zlib'

import { describe, expect, it } from 'vitest'

import { ask, aStreamWorld, bodyOf, head, headOf, watchUpload, wireTo } from './stream-world.ts'

const known = { any: ['bearer'], audience: 'api' }
const world = aStreamWorld(
  [
    { path: '/*', page_headers: false },
    { path: '/page/*' },
    { path: '/known/*', access: known, page_headers: false },
  ],
  { page_headers: { content_security_policy: "script-src 'nonce-{nonce}'" } },
)

const html = '<!doctype html><script src="a.js"></script><p>Here it is.</p>'
const packed = { gzip: gzipSync(html), br: brotliCompressSync(html), zstd: randomBytes(300) }

describe('an answer', () => {
  it('that is compressed arrives byte for byte, as long as it was, with what the client can read asked for', async () => {
    for (const [encoding, bytes] of Object.entries(packed)) {
      for (const [path, type] of [
        ['/file', 'text/html'],
        ['/page/file', 'application/json'],
      ] as const) {
        const asked: unknown[] = []
        world().origin = (request, response) => {
          asked.push(request.headers['accept-encoding'])
          const headers = { 'content-encoding': encoding, 'content-length': bytes.length }
          response.writeHead(200, { 'content-type': type, etag: '"1"', ...headers }).end(bytes)
        }
        const accept = `${encoding};q=0.9`
        const raw = await ask(world(), head(world(), `GET ${path}`, { 'Accept-Encoding': accept }))
        expect(headOf(raw), encoding).toMatch(
          new RegExp(`Content-Length: ${String(bytes.length)}\r\n`),
        )
        expect(headOf(raw), encoding).toContain(`Content-Encoding: ${encoding}\r\n`)
        expect(bodyOf(raw).equals(bytes), `${encoding} ${path}`).toBe(true)
        expect(asked).toEqual([accept])
      }
    }
  })

  it('that is in pieces stays in pieces, and what is broken stays broken', async () => {
    world().origin = (_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' })
      response.write('not gzip ')
      setTimeout(() => response.end('at all'), 50)
    }
    const raw = await ask(world(), head(world(), 'GET /file'))
    expect(headOf(raw)).toContain('Transfer-Encoding: chunked')
    expect(bodyOf(raw).toString()).toMatch(/9\r\nnot gzip \r\n6\r\nat all\r\n0\r\n\r\n$/)
  })

  it('that is a compressed page gets its nonce and is compressed again', async () => {
    for (const encoding of ['gzip', 'br'] as const) {
      world().origin = (_, response) => {
        const headers = { 'content-type': 'text/html', 'content-encoding': encoding }
        response.writeHead(200, headers).end(packed[encoding])
      }
      const response = await fetch(`${world().site}/page/x`)
      const nonce = /'nonce-([^']+)'/.exec(response.headers.get('content-security-policy') ?? '')
      expect(response.headers.get('content-encoding')).toBe(encoding)
      expect(await response.text()).toBe(
        html.replace('src="a.js"', `src="a.js" nonce="${nonce?.[1] ?? ''}"`),
      )
    }
  })

  it('that is a page in an encoding which nobody here reads, or a part of one, stays as it is', async () => {
    const part = packed.gzip.subarray(10, 30)
    const answers = [
      { status: 200, encoding: 'zstd', bytes: packed.zstd, more: {} },
      { status: 206, encoding: 'gzip', bytes: part, more: { 'content-range': 'bytes 10-29/63' } },
      { status: 206, encoding: 'identity', bytes: Buffer.from(html.slice(0, 30)), more: {} },
    ]
    for (const { status, encoding, bytes, more } of answers) {
      world().origin = (_, response) => {
        const headers = { 'content-type': 'text/html', 'content-encoding': encoding, ...more }
        response.writeHead(status, { ...headers, 'content-length': bytes.length }).end(bytes)
      }
      const headers = { Accept: '*/*', 'Sec-Fetch-Mode': 'cors', Range: 'bytes=10-29' }
      const raw = await ask(world(), head(world(), 'GET /page/x', headers))
      expect(bodyOf(raw).equals(bytes), `${String(status)} ${encoding}`).toBe(true)
    }
  })

  it('to HEAD has the length of what GET gives, and nothing after it', async () => {
    world().origin = (request, response) => {
      expect(request.method).toBe('HEAD')
      response.writeHead(200, { 'content-length': 123_456, 'content-type': 'image/png' }).end()
    }
    const raw = await ask(world(), head(world(), 'HEAD /file'))
    expect(headOf(raw)).toContain('Content-Length: 123456\r\n')
    expect(bodyOf(raw)).toHaveLength(0)
  })

  it('of a part has its range, and the request its conditions', async () => {
    world().origin = (request, response) => {
      const { range, 'if-range': condition } = request.headers
      if (range !== 'bytes=2-5' || condition !== '"1"') return void response.end('abcdefghij')
      const headers = { 'content-range': 'bytes 2-5/10', 'content-length': 4, etag: '"1"' }
      response.writeHead(206, { ...headers, 'accept-ranges': 'bytes' }).end('cdef')
    }
    const range = { Range: 'bytes=2-5' }
    const part = await ask(world(), head(world(), 'GET /file', { ...range, 'If-Range': '"1"' }))
    expect(headOf(part)).toMatch(/^HTTP\/1.1 206 /)
    expect(headOf(part)).toContain('Content-Range: bytes 2-5/10\r\n')
    expect(headOf(part)).toContain('Content-Length: 4\r\n')
    expect(headOf(part)).toContain('Accept-Ranges: bytes\r\n')
    expect(bodyOf(part).toString()).toBe('cdef')
    const whole = await ask(world(), head(world(), 'GET /file', { ...range, 'If-Range': '"0"' }))
    expect(headOf(whole)).toMatch(/^HTTP\/1.1 200 /)
    expect(bodyOf(whole).toString()).toBe('abcdefghij')
  })

  it('loses its trailers', async () => {
    world().origin = (_, response) => {
      response.writeHead(200, { trailer: 'x-checksum' })
      response.write('whole')
      response.addTrailers({ 'x-checksum': '1' })
      response.end()
    }
    const text = (await ask(world(), head(world(), 'GET /file', { TE: 'trailers' }))).toString()
    expect(text.toLowerCase()).not.toContain('checksum')
    expect(text).toMatch(/5\r\nwhole\r\n0\r\n\r\n$/)
  })

  it('that the origin breaks off is broken off, whether or not it is watched or read', async () => {
    const answers = [
      ['/file', 'text/html'],
      ['/page/x', 'text/html'],
      ['/known/x', 'text/event-stream'],
    ] as const
    for (const [path, type] of answers) {
      let breakOff = (): unknown => undefined
      world().origin = (_, response) => {
        breakOff = () => response.socket?.destroy()
        response.writeHead(200, { 'content-type': type }).write('data: 1\n\n')
      }
      const headers = { Authorization: `Bearer ${world().token}` }
      const wire = wireTo(world().port, head(world(), `GET ${path}`, headers))
      await wire.until((text) => text.includes('data: 1'))
      breakOff()
      expect(await wire.closed(), path).not.toMatch(/\r\n0\r\n\r\n$/)
    }
  })

  it('that the client breaks off ends at the origin', async () => {
    const answers = [
      ['/file', 'application/octet-stream'],
      ['/page/x', 'text/html'],
      ['/known/x', 'text/event-stream'],
    ] as const
    for (const [path, type] of answers) {
      const closed = new Promise<void>((resolve) => {
        world().origin = (_, response) => {
          response.on('close', resolve)
          response.writeHead(200, { 'content-type': type })
          const timer = setInterval(() => response.write('data: 1\n\n'), 50)
          response.on('close', () => clearInterval(timer))
        }
      })
      const headers = { Authorization: `Bearer ${world().token}` }
      const wire = wireTo(world().port, head(world(), `GET ${path}`, headers))
      await wire.until((text) => text.includes('data: 1'))
      wire.socket.destroy()
      await closed
    }
  })
})

describe('a request', () => {
  it('that is compressed arrives byte for byte, with its length and its encoding', async () => {
    const bytes = gzipSync(randomBytes(100_000))
    const seen = new Promise<unknown[]>((resolve) => {
      world().origin = (request, response) => {
        const hash = createHash('sha256')
        request.on('data', (chunk: Buffer) => hash.update(chunk))
        request.on('end', () => {
          const { 'content-encoding': encoding, 'content-length': length } = request.headers
          response.end('taken')
          resolve([encoding, length, hash.digest('hex')])
        })
      }
    })
    const headers = { 'Content-Encoding': 'gzip', 'Content-Length': String(bytes.length) }
    const start = head(world(), 'POST /file', headers)
    await ask(world(), Buffer.concat([Buffer.from(start), bytes]))
    const digest = createHash('sha256').update(bytes).digest('hex')
    expect(await seen).toEqual(['gzip', String(bytes.length), digest])
  })

  it('that asks to be told to go on is told so here; the origin is asked the same', async () => {
    const expectations: unknown[] = []
    const listener = (request: { headers: Record<string, unknown> }) =>
      void expectations.push(request.headers['expect'])
    world().server.once('checkContinue', (request, response) => {
      listener(request)
      response.writeContinue()
      let length = 0
      request.on('data', (chunk: Buffer) => (length += chunk.length))
      request.on('end', () => response.end(`got ${String(length)}`))
    })
    const headers = { 'Content-Length': '5', Expect: '100-continue' }
    const wire = wireTo(world().port, head(world(), 'POST /file', headers))
    await wire.until((text) => text.includes('HTTP/1.1 100 Continue\r\n\r\n'))
    wire.socket.write('hello')
    expect(await wire.closed()).toMatch(/HTTP\/1.1 200 OK\r\n[^]*\r\n\r\ngot 5$/)
    expect(expectations).toEqual(['100-continue'])
  })

  it('that asks to be told to go on is refused without its body by an origin that does not want it', async () => {
    world().server.once('checkContinue', (_, response) => void response.writeHead(413).end())
    const headers = { 'Content-Length': '5', Expect: '100-continue' }
    const wire = wireTo(world().port, head(world(), 'POST /file', headers))
    expect(await wire.until((text) => text.includes('413'))).toMatch(/HTTP\/1.1 413 /)
    wire.socket.destroy()
  })

  it('loses its trailers', async () => {
    const seen = new Promise<unknown>((resolve) => {
      world().origin = (request, response) => {
        request.resume()
        request.on('end', () => {
          response.end('taken')
          resolve([request.headers['trailer'], request.trailers])
        })
      }
    })
    const headers = { 'Transfer-Encoding': 'chunked', Trailer: 'X-Sum', TE: 'trailers' }
    const body = '3\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n'
    await ask(world(), head(world(), 'POST /file', headers) + body)
    expect(await seen).toEqual([undefined, {}])
  })

  it('of OPTIONS that is no preflight is the origin’s to answer', async () => {
    world().origin = (request, response) => {
      expect(request.method).toBe('OPTIONS')
      response.writeHead(204, { allow: 'GET, OPTIONS' }).end()
    }
    const raw = await ask(world(), head(world(), 'OPTIONS /file'))
    expect(headOf(raw)).toMatch(/^HTTP\/1.1 204 /)
    expect(headOf(raw)).toContain('Allow: GET, OPTIONS\r\n')
  })

  it('whose client breaks off is broken off at the origin', async () => {
    for (const headers of [{ 'Transfer-Encoding': 'chunked' }, { 'Content-Length': '5000' }]) {
      const { started, end } = watchUpload(world())
      const start = head(world(), 'POST /file', headers)
      const wire = wireTo(world().port, `${start}3\r\nabc\r\n`)
      await started
      wire.socket.destroy()
      expect(await end).toBe('broken')
    }
  })
})

describe('an event stream', () => {
  it('gives each event as it comes, watched or not, compressed or not', async () => {
    for (const path of ['/file', '/known/x', '/page/x']) {
      for (const encoding of ['identity', 'gzip']) {
        let next = (): unknown => undefined
        world().origin = (_, response) => {
          const type = { 'content-type': 'text/event-stream' }
          response.writeHead(
            200,
            encoding === 'gzip' ? { ...type, 'content-encoding': encoding } : type,
          )
          const gzip = createGzip({ flush: constants.Z_SYNC_FLUSH })
          const to = encoding === 'gzip' ? (gzip.pipe(response), gzip) : response
          to.write('data: 1\n\n')
          next = () => to.end('data: 2\n\n')
        }
        const headers = { Authorization: `Bearer ${world().token}` }
        const response = await fetch(`${world().site}${path}`, { headers })
        const text = response.body!.pipeThrough(new TextDecoderStream()).getReader()
        // The second is written when the first has been read.
        expect((await text.read()).value, `${path} ${encoding}`).toBe('data: 1\n\n')
        await next()
        expect((await text.read()).value).toBe('data: 2\n\n')
        expect((await text.read()).done).toBe(true)
      }
    }
  })
})
