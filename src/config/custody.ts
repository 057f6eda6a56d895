/**
 * Who keeps signing keys for us, outside the Worker, parsed: our account there, and which of its keys a site uses.
 */
import type { Secret } from '../secret.ts'

export type CustodyAccount = VaultAccount | AwsAccount | GoogleAccount

/** Where a custodian is, and how long one request to it may take. */
export interface CustodyParty {
  readonly id: string
  /** Without a slash at the end. */
  readonly url: string
  /** Seconds. */
  readonly timeout: number
  /** Plain http, on loopback in development. */
  readonly insecure: boolean
}

/** HashiCorp Vault or OpenBao: the Transit engine. */
export interface VaultAccount extends CustodyParty {
  readonly kind: 'vault'
  readonly namespace: string | undefined
  /** Where the Transit engine is mounted. */
  readonly mount: string
  readonly auth:
    | { readonly method: 'token'; readonly token: Secret }
    | {
        readonly method: 'approle'
        readonly mount: string
        readonly roleId: string
        readonly secretId: Secret
      }
}

export interface AwsAccount extends CustodyParty {
  readonly kind: 'aws_kms'
  readonly region: string
  readonly accessKeyId: Secret
  readonly secretAccessKey: Secret
}

export interface GoogleAccount extends CustodyParty {
  readonly kind: 'google_kms'
  readonly auth:
    | { readonly method: 'token'; readonly token: Secret }
    | {
        readonly method: 'service_account'
        readonly email: string
        readonly keyId: string
        /** PKCS #8, PEM. */
        readonly privateKey: Secret
      }
}

/** The keys of one site, as its custodian names them: each name is one version of one key, for ever. */
export interface SiteCustody {
  readonly account: CustodyAccount
  readonly sign: string
  /** Published beside it: the one that signs next, those that have signed. */
  readonly publish: readonly string[]
}
