/**
 * The port to whoever keeps a site's signing keys outside the Worker: it gives public keys and signatures, and no
 * private key ever enters the isolate.
 *
 * Each kind of custodian implements `CustodyApi` in its own HTTP API; `custodian-of.ts` joins one with the names
 * that a site's configuration gives, and has every signature verified.
 */
import type { JWK } from 'jose'
import type { CustodyParty } from '../../config/custody.ts'
import type { AssertionAlgorithm, Signer } from '../signer.ts'

/** A key in custody, as far as it may leave. */
export interface CustodyKey {
  /** What the configuration and the custodian call it: one version of one key. */
  readonly name: string
  /** The thumbprint of RFC 7638: the same wherever the key is read. */
  readonly kid: string
  readonly alg: AssertionAlgorithm
  /** As it is published, with `kid`, `alg` and `use`. */
  readonly publicJwk: JWK
  /** Seconds; `undefined` where asking would take a further permission. */
  readonly createdAt: number | undefined
}

/** A site's keys. Every method throws `Fault`: `custody_unreachable`, `custody_refused`, `custody_malformed`. */
export interface Custodian {
  /** Those to publish; the first one signs. */
  keys(): Promise<readonly CustodyKey[]>
  signer(key: CustodyKey): Signer
}

/** What the API of one kind of custodian does. Throws `Fault` as above. */
export interface CustodyApi {
  /** The keys of these names, in their order. */
  keys(names: readonly string[]): Promise<readonly CustodyKey[]>
  /** The JWS signature that the custodian says it made with the key. */
  sign(key: CustodyKey, data: Uint8Array<ArrayBuffer>): Promise<Uint8Array<ArrayBuffer>>
}

export interface CustodyPorts {
  readonly outbound: CustodyOutbound
  /** Seconds since 1970. */
  readonly now: () => number
}

/**
 * How a custodian is reached. `platform/outbound.ts` implements the port: https, no redirects, bounded in time and
 * size; it throws `Fault`, never anything of the custodian's.
 */
export type CustodyOutbound = (
  party: Pick<CustodyParty, 'timeout' | 'insecure'>,
  url: string,
  init: {
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly body?: string | URLSearchParams | undefined
  },
) => Promise<Response>
