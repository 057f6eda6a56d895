/**
 * Watching over connections that stay open. Their request goes on as long as they do, so timers run.
 */
import type { Log } from '../log.ts'
import type { Authority, LiveConnections } from '../revocation/connections.ts'
import type { Revocations } from '../revocation/revocations.ts'

type Ending = 'revoked' | 'expired' | 'unknown'

/** The close code for the client: as 401, in the range for applications (RFC 6455 section 7.4.2). */
const unauthorized = 4401

export class WatchedConnections implements LiveConnections {
  readonly #revocations: Revocations
  readonly #log: Log

  constructor(revocations: Revocations, log: Log) {
    this.#revocations = revocations
    this.#log = log
  }

  watchStream(body: ReadableStream, authority: Authority): ReadableStream {
    const { readable, writable } = new TransformStream()
    const over = new AbortController()
    const ended = new AbortController()
    void this.#atEnd('stream', authority, over.signal, () => ended.abort())
    body
      .pipeTo(writable, { signal: ended.signal, preventAbort: true })
      // A stream that is ended ends as if the origin had: the client connects again and is told why not. One that broke
      // off breaks off. attack: cut-looks-whole
      .catch((error: unknown) => (ended.signal.aborted ? writable.close() : writable.abort(error)))
      .catch(() => undefined)
      .finally(() => over.abort())
    return readable
  }

  relay(upstream: WebSocket, authority: Authority): WebSocket {
    const { 0: client, 1: server } = new WebSocketPair()
    const over = new AbortController()
    for (const socket of [server, upstream]) {
      socket.binaryType = 'arraybuffer'
      socket.accept()
    }
    pass(server, upstream, over)
    pass(upstream, server, over)
    void this.#atEnd('socket', authority, over.signal, (how) => {
      over.abort()
      server.close(unauthorized, how)
      upstream.close(1000, '')
    })
    return client
  }

  /** Calls `end` when the authority has ended, unless the connection is over before it. Never rejects. */
  async #atEnd(
    kind: string,
    authority: Authority,
    over: AbortSignal,
    end: (how: Ending) => void,
  ): Promise<void> {
    const how = await this.#untilEnd(authority, over)
    if (how === undefined) return
    this.#log('info', 'connection.ended', { kind, how })
    end(how)
  }

  /** How the authority ended; `undefined` where the connection was over before it. */
  async #untilEnd(
    { what, policy, endsAt }: Authority,
    over: AbortSignal,
  ): Promise<Ending | undefined> {
    // Looked at four times in a bound, with knowledge of three quarters of it: together no more than the bound.
    const step = policy.bound * 250
    const younger = { ...policy, bound: policy.bound * 0.75 }
    while (!over.aborted) {
      const left = endsAt * 1000 - Date.now()
      if (left <= 0) return 'expired'
      await sleep(Math.min(step, left), over)
      if (over.aborted) break
      try {
        if (await this.#revocations.isRevoked(what, younger)) return 'revoked'
      } catch {
        // It cannot be told, and the route is closed then.
        return 'unknown'
      }
    }
    return undefined
  }
}

/** Every message as it came, then the close. */
function pass(from: WebSocket, to: WebSocket, over: AbortController): void {
  from.addEventListener('message', (event) => {
    if (!over.signal.aborted) to.send(event.data as string | ArrayBuffer)
  })
  from.addEventListener('close', ({ code, reason }) => {
    if (over.signal.aborted) return
    over.abort()
    // 1005 and 1006 say that no code came: they cannot be sent.
    if (code === 1005 || code === 1006) to.close(1000, '')
    else to.close(code, reason)
  })
  from.addEventListener('error', () => {
    if (over.signal.aborted) return
    over.abort()
    to.close(1011, '')
  })
}

function sleep(milliseconds: number, until: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds)
    until.addEventListener('abort', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
