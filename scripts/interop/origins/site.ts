/** A site on loopback that signs assertions and publishes its keys, both with the Worker's own code. */
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import { type CryptoKey, exportJWK, generateKeyPair, type JWK } from 'jose'

import type { Site } from '../../../src/config/config.ts'
import { type AssertionClaims, signAssertion } from '../../../src/keys/assertion.ts'
import { answerKeySet } from '../../../src/keys/published.ts'
import { type Signer, signerWith } from '../../../src/keys/signer.ts'

/** Seconds: the stated age of the key set, short so that a withdrawal is seen in time. */
export const keySetAge = 3

export interface LocalKey extends Signer {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

export class LocalSite {
  key: LocalKey
  /** How often the key set was read. */
  reads = 0
  readonly #server = createServer((request, response) => {
    this.reads++
    void this.#send(new Headers(request.headers as Record<string, string>), response)
  })

  private constructor(key: LocalKey) {
    this.key = key
  }

  static async start(): Promise<LocalSite> {
    const site = new LocalSite(await makeKey('k1'))
    await new Promise<void>((resolve) => site.#server.listen(0, '127.0.0.1', resolve))
    return site
  }

  get issuer(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`
  }

  /** From now on another key signs, and the old one is not published any more. */
  async withdraw(): Promise<void> {
    this.key = await makeKey('k2')
  }

  /** Two minutes from now, unless told when it was signed. */
  assertion(
    claims: Partial<AssertionClaims> = {},
    key: Signer = this.key,
    signedAt = Math.floor(Date.now() / 1000),
  ): Promise<string> {
    const honest: AssertionClaims = {
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
    return signAssertion(key, { ...honest, ...claims }, signedAt, signedAt + 120)
  }

  close(): void {
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #send(headers: Headers, response: ServerResponse): Promise<void> {
    const answer = await this.#answer(headers)
    response.writeHead(answer.status, Object.fromEntries(answer.headers)).end(await answer.text())
  }

  async #answer(headers: Headers): Promise<Response> {
    const { publicJwk, kid } = this.key
    const keys = { document: async () => ({ keys: [publicJwk], etag: `"${kid}"` }) }
    const request = new Request(`${this.issuer}/.well-known/jwks.json`, { headers })
    // Which keys a site has is asked of the port above; of the site itself only their age is.
    const site = { assertion: { keysMaxAge: keySetAge } } as Site
    const answer = await answerKeySet(keys, { request, site })
    return answer.ok ? answer.value : new Response(null, { status: 405 })
  }
}

export async function makeKey(kid: string): Promise<LocalKey> {
  const pair = await generateKeyPair('ES256', { extractable: true })
  const publicJwk = { ...(await exportJWK(pair.publicKey)), kid, alg: 'ES256', use: 'sig' }
  return { ...signerWith(kid, 'ES256', pair.privateKey), privateKey: pair.privateKey, publicJwk }
}
