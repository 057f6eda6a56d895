/**
 * Whether it is one of the site's proxies that asks.
 */
import type { TrustedProxy } from '../config/proxy.ts'
import { equalSecrets } from '../digest.ts'
import type { Visit } from '../http/visit.ts'

/** The header that carries a proxy's secret. */
export const secretHeader = 'sallyport-proxy-secret'

/**
 * Proof that a proxy of this very site asks: only of it is a word about another request believed. Only this module makes
 * one. attack: spoofed-original-request
 */
export class ProvenProxy {
  readonly kind: TrustedProxy['kind']
  readonly plain: boolean
  readonly #proven = true

  private constructor({ kind, plain }: TrustedProxy) {
    this.kind = kind
    this.plain = plain
  }

  get proven(): boolean {
    return this.#proven
  }

  static recognise({ request, site }: Visit): ProvenProxy | undefined {
    const proxy = site.proxies.find((candidate) => isShown(candidate, request))
    return proxy === undefined ? undefined : new ProvenProxy(proxy)
  }
}

/** What the platform says of it; of a host without mTLS nothing, or less. */
type ClientCertificate = Partial<IncomingRequestCfPropertiesTLSClientAuth>

function isShown({ proof }: TrustedProxy, request: Request): boolean {
  if (proof.kind === 'secret') {
    const presented = request.headers.get(secretHeader)
    return presented !== null && equalSecrets(presented, proof.secret.reveal())
  }
  const tls = request.cf?.tlsClientAuth as ClientCertificate | undefined
  return (
    tls?.certPresented === '1' &&
    // The platform says SUCCESS of a revoked certificate, too.
    tls.certVerified === 'SUCCESS' &&
    tls.certRevoked === '0' &&
    proof.fingerprints.has(tls.certFingerprintSHA256?.toLowerCase() ?? '')
  )
}
