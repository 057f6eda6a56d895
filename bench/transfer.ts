/**
 * Bodies that are made as they go and never held, their bytes counted and hashed at both ends, and an origin and a client
 * for them. Both ends are in this process, so that they share a clock.
 */
import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import {
  type ClientRequest,
  createServer,
  type IncomingMessage,
  request,
  type ServerResponse,
} from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'
import { setTimeout as wait } from 'node:timers/promises'

const chunkSize = 64 * 1024

export interface Transfer {
  readonly direction: 'upload' | 'download'
  /** Bytes. */
  readonly size: number
  /** Bytes a second that the receiver takes; `undefined` is as fast as it can. */
  readonly rate: number | undefined
}

/** What one transfer did. */
export interface Transferred {
  sent: number
  received: number
  /** How far the sender was ahead of the receiver at most, in bytes: what is held on the way. */
  lead: number
  sentHash: string
  receivedHash: string
}

export interface Place {
  readonly port: number
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export interface TransferOrigin {
  readonly port: number
  /** One at a time; rejects where it breaks. */
  run(transfer: Transfer, place: Place): Promise<Transferred>
  /** What answers `…/events`. */
  events: (response: ServerResponse) => void
  close(): Promise<void>
}

export async function startTransferOrigin(): Promise<TransferOrigin> {
  let current: { transfer: Transfer; done: Transferred } | undefined
  const answer = async (incoming: IncomingMessage, response: ServerResponse) => {
    if (incoming.url?.endsWith('/events') === true) return origin.events(response)
    if (current === undefined) return response.writeHead(404).end()
    const { transfer, done } = current
    if (transfer.direction === 'upload') {
      await receive(incoming, done, transfer.rate)
      return response.end('taken')
    }
    response.writeHead(200, { 'content-length': transfer.size })
    return send(response, transfer.size, done)
  }
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy())
  })
  // An upload may take longer than a server waits by default.
  server.requestTimeout = 0
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin: TransferOrigin = {
    port: (server.address() as AddressInfo).port,
    run: async (transfer, place) => {
      const done = { sent: 0, received: 0, lead: 0, sentHash: '', receivedHash: '' }
      current = { transfer, done }
      const outgoing = ask(place, transfer)
      const answered = answerTo(outgoing)
      if (transfer.direction === 'upload') await send(outgoing, transfer.size, done)
      else outgoing.end()
      const response = await answered
      if (response.statusCode !== 200) throw new Error(`answered ${String(response.statusCode)}`)
      if (transfer.direction === 'download') await receive(response, done, transfer.rate)
      else response.resume()
      return done
    },
    events: (response) => void response.writeHead(404).end(),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return origin
}

function ask({ port, path, headers }: Place, { direction, size }: Transfer): ClientRequest {
  const isUpload = direction === 'upload'
  return request({
    host: '127.0.0.1',
    port,
    path,
    method: isUpload ? 'PUT' : 'GET',
    headers: { ...headers, ...(isUpload ? { 'content-length': size } : {}) },
    agent: false,
  })
}

export function answerTo(outgoing: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    outgoing.once('response', resolve)
    outgoing.once('error', reject)
  })
}

async function send(to: Writable, size: number, done: Transferred): Promise<void> {
  const hash = createHash('sha256')
  // Random enough that no two places look alike, and made as fast as it is hashed.
  const cipher = createCipheriv('aes-128-ctr', randomBytes(16), randomBytes(16))
  const zeros = Buffer.alloc(chunkSize)
  while (done.sent < size) {
    const chunk = cipher.update(zeros.subarray(0, Math.min(chunkSize, size - done.sent)))
    hash.update(chunk)
    done.sent += chunk.length
    done.lead = Math.max(done.lead, done.sent - done.received)
    if (!to.write(chunk)) await once(to, 'drain')
  }
  done.sentHash = hash.digest('hex')
  to.end()
}

async function receive(
  from: IncomingMessage,
  done: Transferred,
  rate: number | undefined,
): Promise<void> {
  const hash = createHash('sha256')
  const start = performance.now()
  for await (const chunk of from as AsyncIterable<Buffer>) {
    hash.update(chunk)
    done.received += chunk.length
    if (rate === undefined) continue
    const early = (done.received / rate) * 1000 - (performance.now() - start)
    if (early > 20) await wait(early)
  }
  done.receivedHash = hash.digest('hex')
}
