/**
 * Who publishes keys and who signs bearer tokens, parsed.
 */
import type { Secret } from '../secret.ts'

/** Whose documents (metadata, keys) are fetched: a provider, or an issuer of bearer tokens. */
export interface Publisher {
  /** Names it between isolate and object: `provider main`, `issuer partner`. */
  readonly publisher: string
  /** Exactly as its documents and tokens write it: compared as text. */
  readonly issuer: string
  /** Which metadata names the keys: OpenID Connect Discovery, RFC 8414, or none but the key set itself. */
  readonly documents: 'openid' | 'oauth' | { readonly jwksUri: string }
  /** Under this name its documents are kept; whoever reads the same ones shares them. */
  readonly documentsName: string
  /** Seconds that one request to it may take. */
  readonly timeout: number
  /** Plain http, on loopback in development. */
  readonly insecure: boolean
  /** Seconds between two fetches of its keys, whatever is asked for. */
  readonly coolDown: number
  /** Seconds for which its documents serve through an outage. */
  readonly staleFor: number
  /** `kid`s that verify nothing, whatever the key set says. */
  readonly distrustedKeys: ReadonlySet<string>
}

/** Who signs, or answers for, the bearer tokens that routes accept. */
export interface Issuer extends Publisher {
  readonly id: string
  /** The algorithms that sign its tokens; empty where all its tokens are opaque. */
  readonly algorithms: readonly string[]
  /** Media types that `typ` may have; `undefined` asks for none but shuts out those of other tokens. */
  readonly types: readonly string[] | undefined
  /** A key set given in the configuration, for issuers that publish none. */
  readonly pinnedKeys: { readonly keys: readonly unknown[] } | undefined
  /** Seconds by which its clock and ours may differ. */
  readonly clockSkew: number
  /** Seconds from `iat` to `exp` at most. */
  readonly maxLifetime: number
  readonly decryption: Decryption | undefined
  readonly introspection: Introspection | undefined
}

export interface Decryption {
  /** Private or symmetric JWKs, as JSON. */
  readonly keys: readonly Secret[]
  readonly algorithms: readonly string[]
  readonly encryption: readonly string[]
  /** Tokens that are signed only are refused. */
  readonly required: boolean
}

/** How opaque tokens are asked about (RFC 7662). */
export interface Introspection {
  /** `undefined`: the issuer's metadata names it. */
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly clientAuth: ClientAuth
  /** Seconds for which an answer is believed. */
  readonly cache: number
  /** The algorithm of signed answers (RFC 9701); `undefined` asks for plain JSON. */
  readonly signedWith: string | undefined
}

export type ClientAuth =
  | { readonly method: 'client_secret_basic' | 'client_secret_post'; readonly secret: Secret }
  | { readonly method: 'private_key_jwt'; readonly privateKey: Secret }
  | { readonly method: 'none' }

/** Our registration at somebody: what authenticates us there. */
export interface Registration {
  readonly clientId: string
  readonly clientAuth: ClientAuth
}
