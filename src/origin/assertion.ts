/** What an origin learns from a verified assertion, and for which reasons it refuses one. */

/** Who calls, as the site says; only `verifier.ts` makes one. */
export interface VerifiedAssertion {
  /** The site, as an origin: `https://shop.example.com`. */
  readonly issuer: string
  /** Which of this origin's audiences it is for. */
  readonly audience: string
  /** Together with `identityProvider` this says who somebody is; alone it does not. */
  readonly subject: string
  readonly identityProvider: string
  /** A person's browser, a token for a person, a token for a program itself. */
  readonly caller: 'session' | 'bearer' | 'machine'
  readonly sessionId: string | undefined
  readonly clientId: string | undefined
  readonly scopes: readonly string[]
  /** `jti`: the same for every request that one assertion is used for. */
  readonly id: string | undefined
  /** Seconds since 1970. */
  readonly issuedAt: number
  /** Seconds since 1970. */
  readonly expiresAt: number
  readonly keyId: string
  /** Everything that it says, also what is named above: `email`, `act`, `cnf` and so on. */
  readonly claims: Readonly<Record<string, unknown>>
}

export type Refusal =
  | { readonly reason: 'assertion_missing' }
  | { readonly reason: 'assertion_refused'; readonly check: AssertionCheck }
  /** The key set cannot be had, or what is at hand is too old: nothing was found wrong with the assertion. */
  | { readonly reason: 'keys_unavailable' }

/** Which check failed; for the origin's log. docs/origins.md tells what each is for. */
export type AssertionCheck =
  | 'size'
  | 'grammar'
  | 'header'
  | 'type'
  | 'algorithm'
  | 'claims'
  | 'issuer'
  | 'audience'
  | 'key_unknown'
  | 'key_unfit'
  | 'signature'
  | 'expired'
  | 'not_yet_valid'
  | 'lifetime'

export type Verification =
  | { readonly ok: true; readonly value: VerifiedAssertion }
  | { readonly ok: false; readonly refusal: Refusal }

export function refuse(check: AssertionCheck): Verification & { readonly ok: false } {
  return { ok: false, refusal: { reason: 'assertion_refused', check } }
}
