/**
 * A piece of the network between the Worker and another party, in our hands: everything passes, and what passes can be
 * seen, held, and lost, on the way there and on the way back.
 */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface Passing {
  readonly path: string
  /** The body as a form. */
  readonly form: URLSearchParams
}

/** Says whether it goes on; what does not is lost, and its connection breaks. */
export interface Watch {
  onRequest(passing: Passing): boolean | Promise<boolean>
  onAnswer(passing: Passing, status: number): boolean | Promise<boolean>
}

export const letPass: Watch = { onRequest: () => true, onAnswer: () => true }

export interface Wire {
  readonly origin: string
  watch: Watch
  /** Until nothing is on its way. */
  settled(): Promise<void>
  close(): Promise<void>
}

/** A wire to a port of this machine, which may be known later than the wire's own. */
export async function openWire(port: () => number): Promise<Wire> {
  const onItsWay = new Set<Promise<void>>()
  const server = createServer((incoming, outgoing) => {
    const passing = pass(wire, port(), incoming, outgoing)
      .catch(() => void outgoing.destroy())
      .finally(() => onItsWay.delete(passing))
    onItsWay.add(passing)
  })
  // Never closed from here: a request that meets a closing connection is lost, and nobody meant it to be.
  server.keepAliveTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const wire: Wire = {
    origin: `http://localhost:${String((server.address() as AddressInfo).port)}`,
    watch: letPass,
    settled: async () => {
      while (onItsWay.size > 0) await Promise.all(onItsWay)
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return wire
}

async function pass(
  { watch }: Wire,
  port: number,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await buffer(incoming)
  const passing = { path: incoming.url ?? '/', form: new URLSearchParams(body.toString()) }
  if (!(await watch.onRequest(passing))) return void outgoing.destroy()
  const answer = await ask(port, incoming, body)
  // Whole: whatever the other party has done for it is done.
  const answerBody = await buffer(answer)
  const status = answer.statusCode ?? 0
  if (!(await watch.onAnswer(passing, status))) return void outgoing.destroy()
  outgoing.writeHead(status, answer.rawHeaders).end(answerBody)
}

function ask(port: number, incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
  const { method, url: path, headers } = incoming
  return new Promise((resolve, reject) => {
    request({ host: '127.0.0.1', port, method, path, headers, agent: false }, resolve)
      .on('error', reject)
      .end(body)
  })
}
