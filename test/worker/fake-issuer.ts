/**
 * An issuer of bearer tokens that does what it should, until a test tells it to misbehave.
 */
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface Signer {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export async function makeSigner(alg: string, kid: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }
  return { alg, kid, privateKey, publicJwk }
}

/** The key that every issuer starts with. */
const first = await makeSigner('ES256', 'first')

type Table = Readonly<Record<string, unknown>>

export class FakeIssuer {
  readonly issuer: string
  readonly host: string
  /** Paths that were asked for, in order. */
  readonly asked: string[] = []
  /** Answers a request in place of the issuer, by path. */
  readonly instead = new Map<string, (request: Request) => Response | Promise<Response>>()
  /** Published, in order. */
  signers: readonly Signer[] = [first]
  /** Members put over those of the metadata. */
  metadata: Table = {}
  /** What is said of a token, by its text; of any other: not active. */
  readonly known = new Map<string, Table>()

  constructor(issuer: string) {
    this.issuer = issuer
    this.host = new URL(issuer).host
  }

  count(path: string): number {
    return this.asked.filter((asked) => asked === path).length
  }

  /** Reads of the key set. */
  get reads(): number {
    return this.count('/keys')
  }

  /** An honest token, with changes; `undefined` takes a member away. */
  token(
    claims: Table = {},
    header: Table = {},
    signer = this.signers[0] ?? first,
  ): Promise<string> {
    return new SignJWT({ ...this.claims(), ...claims })
      .setProtectedHeader({ alg: signer.alg, kid: signer.kid, typ: 'at+jwt', ...header })
      .sign(signer.privateKey)
  }

  /** What an honest token says (RFC 9068). */
  claims(): Record<string, unknown> {
    const now = Math.floor(Date.now() / 1000)
    return {
      iss: this.issuer,
      sub: 'ada',
      client_id: 'app',
      aud: 'api',
      iat: now,
      exp: now + 300,
      jti: crypto.randomUUID(),
      scope: 'orders profile',
    }
  }

  async answer(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url)
    this.asked.push(pathname)
    const instead = this.instead.get(pathname)
    if (instead !== undefined) return instead(request)
    switch (pathname) {
      case '/.well-known/openid-configuration':
      case '/.well-known/oauth-authorization-server':
        return Response.json({
          issuer: this.issuer,
          authorization_endpoint: `${this.issuer}/authorize`,
          jwks_uri: `${this.issuer}/keys`,
          introspection_endpoint: `${this.issuer}/introspect`,
          ...this.metadata,
        })
      case '/keys':
        return this.#keySet(request)
      case '/introspect': {
        const token = new URLSearchParams(await request.text()).get('token') ?? ''
        return Response.json(this.known.get(token) ?? { active: false })
      }
      default:
        return new Response('no such place', { status: 404 })
    }
  }

  #keySet(request: Request): Response {
    const etag = `"${this.signers.map(({ kid }) => kid).join(' ')}"`
    if (request.headers.get('if-none-match') === etag)
      return new Response(null, { status: 304, headers: { etag } })
    return Response.json({ keys: this.signers.map((one) => one.publicJwk) }, { headers: { etag } })
  }
}
