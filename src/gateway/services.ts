/**
 * What the gateway needs from outside.
 */
import type { Site } from '../config/config.ts'
import type { Upstream } from '../config/route.ts'
import type { SigningKey } from '../keys/assertion.ts'
import type { SessionServices } from '../session/authenticate.ts'

export interface GatewayServices extends SessionServices {
  readonly signingKeys: SigningKeys
  readonly upstreams: Upstreams
  /** So many random bytes, as base64url. */
  readonly random: (bytes: number) => string
  readonly assertions: AssertionCache
}

/** The site's key, at hand in the isolate after its first use. */
export interface SigningKeys {
  current(site: Site): Promise<SigningKey>
}

/**
 * Sends a request to an origin: never follows a redirect, gives up after the upstream's timeout if no headers
 * have come. Throws `Fault` of an `upstream_*` kind.
 */
export interface Upstreams {
  fetch(upstream: Upstream, url: URL, init: UpstreamRequest): Promise<Response>
}

export interface UpstreamRequest {
  readonly method: string
  readonly headers: Headers
  readonly body: ReadableStream | null
}

/** Assertions that still hold, in the isolate. */
export interface AssertionCache {
  get(key: string, now: number): string | undefined
  set(key: string, assertion: string, expiresAt: number): void
}
