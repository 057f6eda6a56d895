/**
 * An issuer on loopback that counts who asks it, and tokens in its name.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

export interface Signer {
  readonly algorithm: string
  readonly issuer: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export async function makeSigner(algorithm: string, issuer: string): Promise<Signer> {
  const { publicKey, privateKey } = await generateKeyPair(algorithm, { extractable: true })
  const publicJwk = { ...(await exportJWK(publicKey)), kid: 'known', alg: algorithm, use: 'sig' }
  return { algorithm, issuer, privateKey, publicJwk }
}

interface Made {
  /** More of the header of each, and of its claims. */
  readonly header?: (i: number) => Readonly<Record<string, unknown>>
  readonly claims?: (i: number) => Readonly<Record<string, unknown>>
  /** Number of the first person. */
  readonly first?: number
}

/** Tokens that differ in their subject, good for an hour. */
export function tokensOf(
  signer: Signer,
  count: number,
  { header = () => ({}), claims = () => ({}), first = 0 }: Made = {},
): Promise<readonly string[]> {
  const now = Math.floor(Date.now() / 1000)
  return Promise.all(
    Array.from({ length: count }, (_, i) =>
      new SignJWT({
        iss: signer.issuer,
        sub: `person-${String(first + i)}`,
        aud: 'api',
        iat: now,
        exp: now + 3600,
        client_id: 'app',
        scope: 'orders read',
        jti: `token-${String(first + i)}`,
        ...claims(i),
      })
        .setProtectedHeader({ alg: signer.algorithm, kid: 'known', typ: 'at+jwt', ...header(i) })
        .sign(signer.privateKey),
    ),
  )
}

/** A token with which the gate takes its holder for an operator. */
export function operatorToken({ issuer, algorithm, privateKey }: Signer): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ client_id: 'operator', scope: 'marks', jti: 'operator' })
    .setProtectedHeader({ alg: algorithm, kid: 'known', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject('operator')
    .setAudience('operator')
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(privateKey)
}

export interface RunningIssuer {
  readonly signer: Signer
  readonly counts: { metadata: number; keys: number }
  close(): Promise<void>
}

export async function startIssuer(): Promise<RunningIssuer> {
  const counts = { metadata: 0, keys: 0 }
  let answer = (_path: string | undefined): unknown => undefined
  const server = createServer((request, response) => {
    const body = answer(request.url)
    response.writeHead(body === undefined ? 404 : 200, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body ?? {}))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const issuer = `http://localhost:${String((server.address() as AddressInfo).port)}`
  const signer = await makeSigner('ES256', issuer)
  answer = (path) => {
    if (path === '/.well-known/openid-configuration') {
      counts.metadata += 1
      return { issuer, authorization_endpoint: `${issuer}/authorize`, jwks_uri: `${issuer}/keys` }
    }
    if (path !== '/keys') return undefined
    counts.keys += 1
    return { keys: [signer.publicJwk] }
  }
  const close = () =>
    new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { signer, counts, close }
}
