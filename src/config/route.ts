/**
 * A route, parsed: who may pass, what lies behind, what goes along.
 */

/** Path pattern + methods → access rule, upstream, what is forwarded. */
export interface Route {
  readonly path: string
  /** Capitals; `undefined` is every method. */
  readonly methods: ReadonlySet<string> | undefined
  readonly access: AccessRule
  readonly upstream: Upstream
  readonly forward: Forward
}

export type CallerKind = 'anonymous' | 'session'

export interface AccessRule {
  /** The kinds of caller that may pass; never empty. */
  readonly any: ReadonlySet<CallerKind>
}

export type Upstream =
  | { readonly kind: 'url'; readonly url: URL; readonly timeout: number }
  | { readonly kind: 'service' | 'assets'; readonly binding: string; readonly timeout: number }

export type Forward =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'assertion'
      readonly audience: string
      readonly header: 'Authorization' | 'Sallyport-Assertion'
      readonly claims: readonly string[]
    }
