/**
 * The port to what keeps watch over connections that outlive their request; `platform/live-connections.ts`
 * implements it.
 */
import type { RevocationPolicy } from '../config/route.ts'
import type { Revocable } from './mark.ts'

/** On whose authority a connection is open. */
export interface Authority {
  readonly what: Revocable
  readonly policy: RevocationPolicy
  /** Seconds: after this it is over whatever happens. */
  readonly endsAt: number
}

export interface LiveConnections {
  /** The same stream, in the same pieces, ended when the authority is. */
  watchStream(body: ReadableStream, authority: Authority): ReadableStream
  /** The client's end of a relay, closed with 4401 when the authority ends. Order and kind of messages are kept. */
  relay(upstream: WebSocket, authority: Authority): WebSocket
}
