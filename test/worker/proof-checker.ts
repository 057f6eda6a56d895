/**
 * Who receives proofs of possession (RFC 9449 section 4.3), and takes nothing on trust: what a provider checks, and an
 * origin.
 */
import { base64url, calculateJwkThumbprint, EmbeddedJWK, jwtVerify } from 'jose'

export type Checked =
  | { readonly ok: true; readonly jkt: string }
  | { readonly ok: false; readonly error: 'use_dpop_nonce' | 'invalid_dpop_proof'; why: string }

const sha256 = async (text: string) =>
  base64url.encode(
    new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))),
  )

export class ProofChecker {
  /** Demanded in every proof, where it is set. */
  nonce: string | undefined
  readonly #seen = new Set<unknown>()

  /** `token`: the access token that goes along; `undefined` at a token endpoint. */
  async check({ method, url, headers }: Request, token?: string): Promise<Checked> {
    try {
      const proof = headers.get('dpop') ?? ''
      const { payload, protectedHeader } = await jwtVerify(proof, EmbeddedJWK, {
        algorithms: ['ES256'],
        typ: 'dpop+jwt',
      })
      const { jwk } = protectedHeader
      const { origin, pathname } = new URL(url)
      const now = Math.floor(Date.now() / 1000)
      const wrong = [
        ['jwk', jwk === undefined || 'd' in jwk],
        ['htm', payload['htm'] !== method],
        ['htu', payload['htu'] !== origin + pathname],
        ['iat', Math.abs(Number(payload.iat) - now) > 30],
        ['jti', typeof payload.jti !== 'string' || this.#seen.has(payload.jti)],
        ['ath', payload['ath'] !== (token === undefined ? undefined : await sha256(token))],
      ].find(([, isWrong]) => isWrong === true)
      if (wrong !== undefined || jwk === undefined)
        return { ok: false, error: 'invalid_dpop_proof', why: String(wrong?.[0]) }
      this.#seen.add(payload.jti)
      if (this.nonce !== undefined && payload['nonce'] !== this.nonce)
        return { ok: false, error: 'use_dpop_nonce', why: 'nonce' }
      return { ok: true, jkt: await calculateJwkThumbprint(jwk) }
    } catch (error) {
      return { ok: false, error: 'invalid_dpop_proof', why: String(error) }
    }
  }

  /** To go with any answer. */
  get headers(): Record<string, string> {
    return this.nonce === undefined ? {} : { 'dpop-nonce': this.nonce }
  }
}

/** An origin (RFC 9449 section 7): the token, a proof by its key, and for a bound token no other way. */
export class ProvenOrigin {
  readonly proofs = new ProofChecker()
  /** Why it refused, each time that it did. */
  readonly refused: string[] = []
  readonly #jktOf: (token: string) => string | undefined

  /** `jktOf`: what introspection or `cnf` says of a token. */
  constructor(jktOf: (token: string) => string | undefined) {
    this.#jktOf = jktOf
  }

  async answer(request: Request): Promise<Response> {
    const [scheme = '', token = ''] = (request.headers.get('authorization') ?? '').split(' ')
    const jkt = this.#jktOf(token)
    // A bound token is none for bearers (section 7.2)
    if (scheme === 'Bearer')
      return jkt === undefined ? Response.json({}) : this.#no('invalid_token')
    const checked = await this.proofs.check(request, token)
    if (!checked.ok) return this.#no(checked.error, checked.why)
    return checked.jkt === jkt
      ? Response.json({ ok: true }, { headers: this.proofs.headers })
      : this.#no('invalid_token', 'another key')
  }

  #no(error: string, why = error): Response {
    this.refused.push(why)
    const challenge = `Bearer realm="x", DPoP algs="ES256", error="${error}"`
    const headers = { 'www-authenticate': challenge, ...this.proofs.headers }
    return new Response('text of the origin', { status: 401, headers })
  }
}
