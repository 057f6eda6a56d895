/**
 * What of the demo's API stays open or is large: an event stream, a WebSocket, an upload. Each knows who called.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'

import type { AssertionVerifier } from '../../src/origin/verifier.ts'

/** Server-sent events, one a second, for as long as somebody reads. */
export function sendEvents(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let sent = 0
  const send = () => {
    sent += 1
    const time = new Date().toISOString().slice(11, 19)
    response.write(`id: ${String(sent)}\ndata: event ${String(sent)}, sent at ${time}\n\n`)
  }
  const timer = setInterval(send, 1000)
  response.on('close', () => clearInterval(timer))
  send()
}

/** Counts and hashes the bytes as they arrive; none is kept. */
export async function takeUpload(
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    hash.update(chunk)
    bytes += chunk.length
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ bytes, sha256: hash.digest('hex') }))
}

/** WebSockets of the subprotocol `echo`: who connects is told who that is, and gets back what is said. */
export function acceptSockets(server: Server, verify: () => AssertionVerifier): void {
  const sockets = new WebSocketServer({
    noServer: true,
    handleProtocols: (offered) => (offered.has('echo') ? 'echo' : false),
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    void welcome(request, socket, head).catch(() => socket.destroy())
  })

  async function welcome(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    const verified = await verify().verifyRequest(request)
    if (!verified.ok) return void socket.end('HTTP/1.1 401 Unauthorized\r\n\r\n')
    const { name, sub } = verified.value.claims
    const who = [name, sub].find((claim) => typeof claim === 'string') ?? 'nobody'
    sockets.handleUpgrade(request, socket, head, (opened) => echo(opened, who))
  }
}

function echo(socket: WebSocket, name: string): void {
  socket.send(`You are ${name}.`)
  socket.on('message', (data: Buffer, isBinary) =>
    socket.send(isBinary ? data : `${name} said: ${data.toString()}`),
  )
}
