/**
 * An event stream (server-sent events): one event a second, for as long as somebody reads.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Caller } from './caller.ts'

/** Each event has an id; a reader who comes back says the last one in `Last-Event-ID`, and the count goes on. */
export function sendEvents(
  request: IncomingMessage,
  response: ServerResponse,
  { name }: Caller,
): void {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
  let id = lastEventId(request)
  const send = () => {
    const data = JSON.stringify({ for: name, at: new Date().toISOString() })
    response.write(`id: ${String(++id)}\ndata: ${data}\n\n`)
  }
  const timer = setInterval(send, 1000)
  response.on('close', () => clearInterval(timer))
  // Milliseconds until a reader who lost the stream asks again.
  response.write('retry: 1000\n\n')
  send()
}

function lastEventId({ headers }: IncomingMessage): number {
  const last = headers['last-event-id']
  // What a client sends: only a number of ours goes on.
  return typeof last === 'string' && /^\d{1,9}$/.test(last) ? Number(last) : 0
}
