/** A site that signs assertions and publishes its keys, as well or as badly as a test wants. */
import { CompactSign, type JWK } from 'jose'

import { type AssertionClaims, assertionType, signAssertion } from '../../../src/keys/assertion.ts'
import { type AssertionAlgorithm, signerWith } from '../../../src/keys/signer.ts'
import type { VerifierOptions } from '../../../src/origin/options.ts'
import { makeSigner, type Signer } from '../world/keys.ts'

export const noon = 1_800_000_000

export class FakeSite {
  readonly issuer: string
  readonly signer: Signer
  /** Seconds; the verifier's clock too. */
  now = noon
  keys: JWK[]
  cacheControl: string | undefined = 'public, max-age=60'
  headers: Record<string, string> = {}
  status = 200
  body: string | undefined
  isDown = false
  /** Where set, an answer comes once it is called. */
  private held: (() => void)[] | undefined
  readonly asked: { readonly url: string; readonly headers: Headers }[] = []

  private constructor(issuer: string, signer: Signer) {
    this.issuer = issuer
    this.signer = signer
    this.keys = [signer.publicJwk]
  }

  static async make(issuer = 'https://shop.example.com', alg = 'ES256', kid = 'k1') {
    return new FakeSite(issuer, await makeSigner(alg, kid))
  }

  options(more: Partial<VerifierOptions> = {}): VerifierOptions {
    return {
      site: this.issuer,
      audience: 'orders',
      fetch: this.fetch,
      now: () => this.now,
      ...more,
    }
  }

  fetch = async (url: string, init: RequestInit): Promise<Response> => {
    const asked = { url, headers: new Headers(init.headers) }
    this.asked.push(asked)
    const answer = this.#answer(asked.headers)
    if (this.held !== undefined) await new Promise<void>((go) => this.held?.push(go))
    if (this.isDown) throw new TypeError('fetch failed')
    return answer
  }

  /** From now on the answers wait, as they were when they were asked for. */
  hold(): void {
    this.held = []
  }

  /** The last that asked is answered first. */
  release(): void {
    const held = this.held ?? []
    this.held = undefined
    for (const go of held.toReversed()) go()
  }

  /** Lets everything go that waits for no timer. */
  static settle(): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, 5))
  }

  assertion(claims: Partial<AssertionClaims> = {}, signer = this.signer): Promise<string> {
    const { kid, alg, privateKey } = signer
    const by = signerWith(kid, alg as AssertionAlgorithm, privateKey)
    return signAssertion(by, { ...this.claims(), ...claims }, this.now, this.now + 120)
  }

  /** An assertion with anything changed that `signAssertion` would not change. */
  forged(
    claims: Readonly<Record<string, unknown>>,
    header: Readonly<Record<string, unknown>> = {},
    signer = this.signer,
  ): Promise<string> {
    const honest = {
      ...{ iss: this.issuer, aud: 'orders', sub: 'ada', idp: 'https://id.example.com' },
      ...{ caller: 'session', jti: 'j1', iat: this.now, exp: this.now + 120 },
    }
    return new CompactSign(new TextEncoder().encode(JSON.stringify({ ...honest, ...claims })))
      .setProtectedHeader({ alg: signer.alg, kid: signer.kid, typ: assertionType, ...header })
      .sign(signer.privateKey)
  }

  private claims(): AssertionClaims {
    return {
      kind: 'session',
      issuer: this.issuer,
      audience: 'orders',
      subject: 'ada',
      identityProvider: 'https://id.example.com',
      sessionId: 'ses_1',
      clientId: undefined,
      scope: 'openid orders',
      actor: undefined,
      boundTo: undefined,
      claims: { email: 'ada@example.com' },
      id: 'jti-1',
    }
  }

  #answer(headers: Headers): Response {
    const body = this.body ?? JSON.stringify({ keys: this.keys })
    const etag = `"${this.keys.map(({ kid }) => kid).join()}"`
    const common = {
      etag,
      ...(this.cacheControl === undefined ? {} : { 'cache-control': this.cacheControl }),
      ...this.headers,
    }
    return this.status === 200 && headers.get('if-none-match') === etag
      ? new Response(null, { status: 304, headers: common })
      : new Response(body, { status: this.status, headers: common })
  }
}
