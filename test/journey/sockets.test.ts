import { createHash } from 'node:crypto'
import type { Duplex } from 'node:stream'

import { describe, expect, it } from 'vitest'

import { aStreamWorld } from './stream-world.ts'

const world = aStreamWorld([
  { path: '/*' },
  { path: '/known/*', access: { any: ['bearer'], audience: 'api' } },
])

/** Speaks RFC 6455 as far as an echo needs: short frames, masked by the client. */
function echoWith(protocol: string): Promise<unknown> {
  return new Promise((resolve) => {
    world().server.once('upgrade', (request, socket: Duplex) => {
      const key = String(request.headers['sec-websocket-key'])
      const accept = createHash('sha1')
        .update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64')
      socket.write(
        'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
          `Sec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: ${protocol}\r\n\r\n`,
      )
      let unread: Buffer = Buffer.alloc(0)
      socket.on('data', (chunk: Buffer) => {
        unread = Buffer.concat([unread, chunk])
        for (;;) {
          const length = (unread[1] ?? 0) & 0x7f
          if (unread.length < 6 + length) return
          const mask = unread.subarray(2, 6)
          const bytes = Uint8Array.from(
            unread.subarray(6, 6 + length),
            (byte, i) => byte ^ (mask[i % 4] ?? 0),
          )
          socket.write(Buffer.concat([Buffer.of(unread[0] ?? 0, length), bytes]))
          unread = unread.subarray(6 + length)
        }
      })
      socket.on('error', () => undefined)
      resolve(request.headers['sec-websocket-protocol'])
    })
  })
}

function open(path: string, headers: Record<string, string> = {}) {
  const url = `${world().site.replace('http', 'ws')}${path}`
  // Node's own client takes headers beside the protocols.
  const socket = new WebSocket(url, { protocols: ['chat.v2', 'chat.v1'], headers } as never)
  socket.binaryType = 'arraybuffer'
  const opened = new Promise<void>((resolve, reject) => {
    socket.addEventListener('open', () => resolve())
    socket.addEventListener('error', () => reject(new Error('no socket')))
  })
  const next = () =>
    new Promise<unknown>((resolve) => {
      socket.addEventListener('message', ({ data }) => resolve(data), { once: true })
    })
  return { socket, opened, next }
}

describe('a WebSocket over real connections', () => {
  it('has the subprotocol that the origin chose, and passes text and bytes both ways, watched or not', async () => {
    for (const path of ['/x', '/known/x']) {
      const offered = echoWith('chat.v1')
      const { socket, opened, next } = open(path, { Authorization: `Bearer ${world().token}` })
      await opened
      expect(socket.protocol, path).toBe('chat.v1')
      expect(await offered).toMatch(/^chat\.v2, ?chat\.v1$/)
      const text = next()
      socket.send('héllo')
      expect(await text).toBe('héllo')
      const bytes = next()
      socket.send(Uint8Array.of(0, 255, 128))
      expect(new Uint8Array((await bytes) as ArrayBuffer)).toEqual(Uint8Array.of(0, 255, 128))
      socket.close(1000)
    }
  })
})
