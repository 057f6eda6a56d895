/**
 * A WebSocket that sends each line back with the name of who sent it. Who that is, the assertion of the upgrade request
 * says, once: the Worker ends the connection when it is no longer so.
 */
import { type IncomingMessage, type Server, STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

import { type WebSocket, WebSocketServer } from 'ws'

import { type Caller, callerOf, type Verify } from './caller.ts'

/** The subprotocol: JSON, `{ hello }` first and then `{ from, text }` for each line of text. */
export const socketProtocol = 'sallyport-demo.echo'

/** Bytes; a longer message ends the connection (1009). */
const longestLine = 4096

interface Sockets {
  /** Ends all that are open: a server waits for them otherwise, and forever. */
  end(): void
}

/** Takes the server's upgrade requests: those to `path`, and no others. */
export function serveSockets(server: Server, path: string, verify: Verify): Sockets {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: longestLine,
    handleProtocols: (offered) => (offered.has(socketProtocol) ? socketProtocol : false),
  })

  const upgrade = async (request: IncomingMessage, connection: Duplex, head: Buffer) => {
    const url = new URL(request.url ?? '/', 'http://api.invalid')
    if (url.pathname !== path) return answer(connection, 404)
    const called = await callerOf(request, verify)
    if ('refused' in called) {
      const { status, headers, body } = called.refused
      return answer(connection, status, headers, body)
    }
    if (!offers(request, socketProtocol)) return answer(connection, 400)
    sockets.handleUpgrade(request, connection, head, (socket) => echo(socket, called.caller))
  }

  server.on('upgrade', (request, connection: Duplex, head) => {
    // Whoever goes away during the handshake takes nothing else along.
    connection.on('error', () => connection.destroy())
    upgrade(request, connection, head).catch(() => connection.destroy())
  })
  return {
    end() {
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}

function echo(socket: WebSocket, { sub, name }: Caller): void {
  // A broken frame, or one too long: ws closes with the code for it.
  socket.on('error', () => undefined)
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) socket.close(1003, 'text only')
    else socket.send(JSON.stringify({ from: name, text: data.toString('utf8') }))
  })
  socket.send(JSON.stringify({ hello: name, sub }))
}

function offers({ headers }: IncomingMessage, protocol: string): boolean {
  const offered = headers['sec-websocket-protocol'] ?? ''
  return offered.split(',').some((one) => one.trim() === protocol)
}

/** An answer in the place of the upgrade: there is no response object yet that could write it. */
function answer(
  connection: Duplex,
  status: number,
  headers: Readonly<Record<string, string>> = {},
  body = '',
): void {
  const lines = Object.entries({ ...headers, connection: 'close' }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  )
  connection.end(
    `HTTP/1.1 ${String(status)} ${STATUS_CODES[status] ?? ''}\r\n${lines.join('')}\r\n${body}`,
  )
}
