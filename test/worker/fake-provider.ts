/**
 * A provider that can be told to misbehave, one named fault at a time. It stands in for other parties who must misbehave;
 * the honest journeys run against a real provider in `test/journey/`.
 */
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'

import type { ProofChecker } from './proof-checker.ts'

const { publicKey, privateKey } = await generateKeyPair('RS256', { extractable: true })
const stranger = await generateKeyPair('RS256')
const jwk = { ...(await exportJWK(publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }

export interface Asked {
  readonly path: string
  readonly form: URLSearchParams
  readonly headers: Headers
}

export class FakeProvider {
  readonly issuer: string
  readonly clientId: string
  readonly asked: Asked[] = []
  /** Laid over the honest answers. */
  metadata: Record<string, unknown> = {}
  claims: JWTPayload = {}
  signer: 'own' | 'stranger' = 'own'
  token: Record<string, unknown> = {}
  userinfo: Record<string, unknown> = { name: 'Ada' }
  /** Answers a request in place of the provider, by path. */
  readonly instead = new Map<string, () => Response | Promise<Response>>()
  /** Codes as an authorization endpoint would remember them: the nonce, and the key of the request. */
  readonly #codes = new Map<string, { readonly nonce: string; readonly jkt: string | null }>()
  /** What judges proofs, where the provider binds its tokens; it binds to whatever key is shown. */
  readonly proofs: ProofChecker | undefined
  /** Thumbprints of keys, by the tokens that are bound to them. */
  readonly bound = new Map<string, string>()
  /** Refresh tokens that were used: one that comes again ends everything. */
  readonly spent = new Set<string>()
  #serial = 0

  /** More of the answer with a token for an origin. */
  originToken: Readonly<Record<string, unknown>> = {}

  constructor(issuer: string, clientId: string, proofs?: ProofChecker) {
    this.proofs = proofs
    this.issuer = issuer
    this.clientId = clientId
  }

  count(path: string, grant?: string): number {
    return this.asked.filter(
      (a) => a.path === path && (grant === undefined || a.form.get('grant_type') === grant),
    ).length
  }

  /** What a browser does at the authorization endpoint: signs in; gives the parameters of the response. */
  authorize(location: string): URLSearchParams {
    const asked = new URL(location).searchParams
    const code = `code-${++this.#serial}`
    this.#codes.set(code, { nonce: asked.get('nonce') ?? '', jkt: asked.get('dpop_jkt') })
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: this.issuer })
  }

  /** A logout token, with changes; `undefined` takes a member away. */
  logoutToken(
    claims: Readonly<Record<string, unknown>> = {},
    header: Readonly<Record<string, unknown>> = {},
    signer: 'own' | 'stranger' = 'own',
  ): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    return new SignJWT({
      iss: this.issuer,
      aud: this.clientId,
      sub: 'ada',
      iat: now,
      exp: now + 120,
      jti: crypto.randomUUID(),
      events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      ...claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'one', typ: 'logout+jwt', ...header })
      .sign(signer === 'own' ? privateKey : stranger.privateKey)
  }

  async answer(request: Request): Promise<Response> {
    const path = new URL(request.url).pathname
    const form = new URLSearchParams(request.method === 'POST' ? await request.text() : '')
    this.asked.push({ path, form, headers: request.headers })
    const instead = this.instead.get(path)
    if (instead !== undefined) return instead()
    switch (path) {
      case '/.well-known/openid-configuration':
        return Response.json({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          token_endpoint: `${this.issuer}/token`,
          jwks_uri: `${this.issuer}/jwks`,
          userinfo_endpoint: `${this.issuer}/userinfo`,
          revocation_endpoint: `${this.issuer}/revoke`,
          end_session_endpoint: `${this.issuer}/logout`,
          authorization_response_iss_parameter_supported: true,
          ...this.metadata,
        })
      case '/jwks':
        return Response.json({ keys: [jwk] }, { headers: { etag: '"one"' } })
      case '/token':
        return this.#withProof(request, form)
      case '/userinfo':
        return (
          (await this.#userinfoRefusal(request)) ?? Response.json({ sub: 'ada', ...this.userinfo })
        )
      case '/revoke':
        return new Response(null, { status: 200 })
      default:
        return new Response('no such place', { status: 404 })
    }
  }

  /** The token endpoint, where proofs are judged before anything else is looked at (RFC 9449 section 5). */
  async #withProof(request: Request, form: URLSearchParams): Promise<Response> {
    if (this.proofs === undefined) return this.#tokenAnswer(form)
    // A grant that is bound to a key needs a proof by it; a token for an origin may be a bearer token
    if (!request.headers.has('dpop'))
      return form.has('refresh_token') || form.has('code')
        ? Response.json({ error: 'invalid_grant' }, { status: 400 })
        : this.#tokenAnswer(form)
    const checked = await this.proofs.check(request)
    const { headers } = this.proofs
    if (!checked.ok) {
      const error = { error: checked.error, error_description: checked.why }
      return Response.json(error, { status: 400, headers })
    }
    const { jkt } = checked
    const asked = form.get('refresh_token') ?? form.get('subject_token') ?? ''
    const wanted = this.bound.get(asked) ?? this.#codes.get(form.get('code') ?? '')?.jkt ?? jkt
    if (wanted !== jkt || this.spent.has(asked))
      return Response.json({ error: 'invalid_grant' }, { status: 400, headers })
    if (form.has('refresh_token')) this.spent.add(asked)
    const answer = await this.#tokenAnswer(form)
    const body = (await answer.json()) as Record<string, string>
    if (answer.status !== 200) return Response.json(body, { status: answer.status, headers })
    for (const name of ['access_token', 'refresh_token'])
      if (body[name] !== undefined) this.bound.set(body[name], jkt)
    const { originToken, token } = this
    const changes = form.has('code') || form.has('refresh_token') ? token : originToken
    return Response.json({ ...body, token_type: 'DPoP', ...changes }, { headers })
  }

  async #userinfoRefusal(request: Request): Promise<Response | undefined> {
    if (this.proofs === undefined) return undefined
    const [scheme, token = ''] = (request.headers.get('authorization') ?? '').split(' ')
    const checked = await this.proofs.check(request, token)
    if (scheme === 'DPoP' && checked.ok && checked.jkt === this.bound.get(token)) return undefined
    const error = checked.ok ? 'invalid_token' : checked.error
    const headers = { 'www-authenticate': `DPoP error="${error}"`, ...this.proofs.headers }
    return new Response(null, { status: 401, headers })
  }

  /** What the token endpoint gives for an origin: the form's own words, so that a test sees what was asked. */
  async #originToken(form: URLSearchParams, grant: string): Promise<Response> {
    const asked = ['subject_token', 'audience', 'resource', 'scope'].map((name) => form.get(name))
    const exchanged = grant.endsWith('token-exchange')
    return Response.json({
      access_token: btoa(JSON.stringify([++this.#serial, ...asked])),
      token_type: 'Bearer',
      expires_in: 300,
      ...(exchanged ? { issued_token_type: 'urn:ietf:params:oauth:token-type:access_token' } : {}),
      ...this.originToken,
    })
  }

  async #tokenAnswer(form: URLSearchParams): Promise<Response> {
    const grant = form.get('grant_type') ?? ''
    if (grant === 'client_credentials' || grant.endsWith('token-exchange'))
      return this.#originToken(form, grant)
    const code = form.get('code') ?? ''
    const refresh = form.get('grant_type') === 'refresh_token'
    if (!refresh && !this.#codes.has(code))
      return Response.json({ error: 'invalid_grant' }, { status: 400 })
    const nonce = this.#codes.get(code)?.nonce
    this.#codes.delete(code)
    const now = Math.floor(Date.now() / 1000)
    const idToken = await new SignJWT({
      iss: this.issuer,
      sub: 'ada',
      aud: this.clientId,
      iat: now,
      exp: now + 300,
      auth_time: now,
      ...(refresh ? {} : { nonce, name: 'Ada' }),
      ...this.claims,
    })
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .sign(this.signer === 'own' ? privateKey : stranger.privateKey)
    const answer = {
      access_token: `at-${++this.#serial}`,
      token_type: 'Bearer',
      expires_in: 600,
      refresh_token: `rt-${this.#serial}`,
      id_token: idToken,
      ...this.token,
    }
    return Response.json(answer)
  }
}
