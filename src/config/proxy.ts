/**
 * Proxies that ask about requests instead of having them forwarded, parsed.
 */
import type { Secret } from '../secret.ts'

/** Decides which headers tell of the original request, and what of an answer reaches the browser. */
export type ProxyKind = 'nginx' | 'traefik' | 'caddy'

export interface TrustedProxy {
  readonly kind: ProxyKind
  /** What shows that it is this proxy that asks. */
  readonly proof:
    | { readonly kind: 'secret'; readonly secret: Secret }
    /** SHA-256 of client certificates, lower-case hex. */
    | { readonly kind: 'certificate'; readonly fingerprints: ReadonlySet<string> }
  /** Whether origins behind it are told of the caller in plain headers, too. */
  readonly plain: boolean
}
