/**
 * Load over HTTP/1.1 connections that stay open, written to cost the machine little: requests are bytes made
 * beforehand, answers are read no further than their length.
 */

import { connect, type Socket } from 'node:net'

export interface Load {
  readonly port: number
  /** Whole requests, sent in turn. */
  readonly requests: readonly Buffer[]
  /** How many of the turn were sent before; none where nothing is said. */
  readonly already?: number
  readonly connections: number
  /** Ends after so many answers or seconds, whichever comes first. */
  readonly most?: number
  readonly seconds?: number
}

export interface Answered {
  readonly perSecond: number
  readonly seconds: number
  /** How many answers there were of each status. */
  readonly statuses: Readonly<Record<string, number>>
  /** From a request's first byte to its answer's last, in milliseconds, ascending. */
  readonly latencies: Float64Array
}

/** A request as bytes, to the host that the gate is configured for. */
export function requestOf(path: string, headers: Readonly<Record<string, string>> = {}): Buffer {
  const lines = Object.entries({ Host: 'localhost', ...headers }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  return Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`)
}

export function withToken(token: string): Readonly<Record<string, string>> {
  return { Authorization: `Bearer ${token}` }
}

/** For one of `manyIsolates`. */
export function toIsolate(token: string, isolate: number): Readonly<Record<string, string>> {
  return { ...withToken(token), 'x-isolate': String(isolate) }
}

/** Rejects where a connection breaks. */
export async function load({
  port,
  requests,
  already = 0,
  connections,
  most,
  seconds,
}: Load): Promise<Answered> {
  const statuses: Record<string, number> = {}
  const start = performance.now()
  const until = start + (seconds ?? Infinity) * 1000
  let sent = 0
  const next = (): Buffer | undefined => {
    if (sent >= (most ?? Infinity) || performance.now() >= until) return undefined
    return requests[(already + sent++) % requests.length]
  }
  const latencies: number[] = []
  const count = (status: string, latency: number) => {
    statuses[status] = (statuses[status] ?? 0) + 1
    latencies.push(latency)
  }
  await Promise.all(Array.from({ length: connections }, () => converse(port, next, count)))
  const took = (performance.now() - start) / 1000
  const answers = Object.values(statuses).reduce((sum, n) => sum + n, 0)
  return {
    perSecond: answers / took,
    seconds: took,
    statuses,
    latencies: Float64Array.from(latencies).toSorted(),
  }
}

/** One connection: a request, its answer, the next request. */
function converse(
  port: number,
  next: () => Buffer | undefined,
  count: (status: string, latency: number) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: Socket = connect(port, '127.0.0.1')
    socket.setNoDelay(true)
    let unread = Buffer.alloc(0)
    let sentAt = 0
    const send = () => {
      const request = next()
      if (request === undefined) {
        socket.destroy()
        resolve()
      } else {
        sentAt = performance.now()
        socket.write(request)
      }
    }
    socket.on('connect', send)
    socket.on('error', reject)
    socket.on('data', (chunk) => {
      unread = unread.length === 0 ? chunk : Buffer.concat([unread, chunk])
      const end = endOfAnswer(unread)
      if (end === undefined) return
      count(unread.toString('latin1', 9, 12), performance.now() - sentAt)
      unread = unread.subarray(end)
      send()
    })
  })
}

/** Where the first answer ends; `undefined` where it has not arrived whole. */
function endOfAnswer(bytes: Buffer): number | undefined {
  const head = bytes.indexOf('\r\n\r\n')
  if (head === -1) return undefined
  const text = bytes.toString('latin1', 0, head)
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)?.[1]
  if (length !== undefined) {
    const end = head + 4 + Number(length)
    return bytes.length >= end ? end : undefined
  }
  const last = bytes.indexOf('0\r\n\r\n', head + 4)
  return last === -1 ? undefined : last + 5
}
