/**
 * The port to origins; `platform/upstreams.ts` implements it.
 */
import type { Origin } from '../config/route.ts'

/**
 * Sends a request to an origin: never follows a redirect, gives up after the upstream's timeout, where it
 * has one, if no headers have come. `url` is canonical. Throws `Fault` of an `upstream_*` kind.
 */
export interface Upstreams {
  fetch(upstream: Origin, url: string, init: UpstreamRequest): Promise<Response>
}

export interface UpstreamRequest {
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream | ArrayBuffer | null
  /** Signs the `DPoP` header, anew for each time that the request is sent. */
  readonly prove?: () => Promise<string>
  readonly encoding: BodyEncoding
}

/**
 * What the runtime does with a compressed answer. `manual`: its bytes stay as they are. `automatic`: it is unpacked
 * where somebody reads it here, and packed again; where nobody does, it stays as it is too. The answer that is made
 * of it says the same, or packed bytes go out as unpacked ones.
 */
export type BodyEncoding = 'manual' | 'automatic'
