/**
 * An OpenID provider that does what it should, until a test tells it to misbehave.
 */
import { makeSigner, partOf, type Signer, sign } from './keys.ts'
import { issuer } from './vars.ts'

type Handler = (form: URLSearchParams, request: Request) => Response | Promise<Response>

interface Login {
  readonly nonce: string | null
  readonly maxAge: string | null
}

export class FakeProvider {
  readonly signer: Signer
  /** Paths that were asked for, in order. */
  readonly asked: string[] = []
  /** Instead of the honest answer, by path. */
  readonly instead = new Map<string, Handler>()
  /** Claims put over those of the next ID tokens; `undefined` takes one away. */
  claims: Record<string, unknown> = {}
  /** Members put over those of the discovery document. */
  metadata: Record<string, unknown> = {}
  /** Members put over those of the token answer. */
  tokens: Record<string, unknown> = {}
  /** The keys published; the signer's own where this is not set. */
  keys: readonly unknown[] | undefined
  signWith: Signer
  readonly #logins = new Map<string, Login>()
  #count = 0

  private constructor(signer: Signer) {
    this.signer = signer
    this.signWith = signer
  }

  static async start(): Promise<FakeProvider> {
    return new FakeProvider(await makeSigner('RS256', 'provider-1'))
  }

  /** The user signs in: the query with which the browser is sent back. */
  authorize(location: string): URLSearchParams {
    const asked = new URL(location).searchParams
    const code = `code-${String(++this.#count)}`
    this.#logins.set(code, { nonce: asked.get('nonce'), maxAge: asked.get('max_age') })
    return new URLSearchParams({ code, state: asked.get('state') ?? '', iss: issuer })
  }

  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    this.asked.push(pathname)
    const form = new URLSearchParams(request.method === 'POST' ? await request.text() : '')
    const instead = this.instead.get(pathname)
    if (instead !== undefined) return instead(form, request)
    switch (pathname) {
      case '/.well-known/openid-configuration':
        return Response.json(this.discovery())
      case '/jwks':
        return Response.json({ keys: this.keys ?? [this.signer.publicJwk] })
      case '/token':
        return this.#token(form)
      case '/userinfo':
        return Response.json({ sub: 'ada', phone_number: '+44 1' })
      case '/revoke':
        return new Response(null, { status: 200 })
      default:
        return new Response('nothing here', { status: 404 })
    }
  }

  discovery(): Record<string, unknown> {
    return {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      revocation_endpoint: `${issuer}/revoke`,
      end_session_endpoint: `${issuer}/logout`,
      jwks_uri: `${issuer}/jwks`,
      authorization_response_iss_parameter_supported: true,
      ...this.metadata,
    }
  }

  async #token(form: URLSearchParams): Promise<Response> {
    const refresh = form.get('grant_type') === 'refresh_token'
    const login = refresh ? { nonce: null, maxAge: null } : this.#logins.get(form.get('code') ?? '')
    if (login === undefined) return Response.json({ error: 'invalid_grant' }, { status: 400 })
    this.#logins.delete(form.get('code') ?? '')
    return Response.json({
      access_token: `access-${String(++this.#count)}`,
      token_type: 'Bearer',
      expires_in: 300,
      refresh_token: `refresh-${String(this.#count)}`,
      id_token: await this.idToken(login),
      ...this.tokens,
    })
  }

  idToken({ nonce, maxAge }: Login): Promise<string> {
    const now = Math.floor(Date.now() / 1000)
    const claims = {
      iss: issuer,
      sub: 'ada',
      aud: 'shop',
      iat: now,
      exp: now + 300,
      email: 'ada@example.com',
      ...(nonce === null ? {} : { nonce }),
      ...(maxAge === null ? {} : { auth_time: now }),
      ...this.claims,
    }
    return sign(this.signWith, claims)
  }
}

/** Whether some JSON text is a token of the given kind, for looking through answers. */
export function looksLikeToken(text: string): boolean {
  const [token] = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(text) ?? []
  return token !== undefined && 'alg' in partOf(token, 0)
}
