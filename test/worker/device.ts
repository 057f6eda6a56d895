/**
 * What a browser does in a device-bound session: it registers a key, and answers challenges.
 */
import { calculateJwkThumbprint, CompactSign, exportJWK, generateKeyPair } from 'jose'
import { expect } from 'vitest'

import type { Browser } from './world.ts'

export interface Instructions {
  readonly session_identifier: string
  readonly refresh_url: string
  readonly scope: { readonly origin: string; readonly include_site: boolean }
  readonly credentials: readonly { readonly name: string; readonly attributes: string }[]
}

/** How a proof differs from an honest one. */
export interface Altered {
  readonly header?: Readonly<Record<string, unknown>>
  readonly payload?: Readonly<Record<string, unknown>>
}

export class Device {
  /** The browser's own requests carry no cookies here: those of cross-site logins do not either. */
  readonly browser: Browser
  readonly #key: CryptoKeyPair
  readonly #alg: string
  offer = ''
  challenge = ''
  instructions: Instructions | undefined

  private constructor(browser: Browser, key: CryptoKeyPair, alg: string) {
    this.browser = browser
    this.#key = key
    this.#alg = alg
  }

  static async in(browser: Browser, alg = 'ES256'): Promise<Device> {
    return new Device(browser, await generateKeyPair(alg, { extractable: true }), alg)
  }

  async thumbprint(): Promise<string> {
    return calculateJwkThumbprint(await exportJWK(this.#key.publicKey))
  }

  /** Signs in, and keeps what the answer offers. */
  async signIn(): Promise<void> {
    const response = await this.browser.signIn()
    this.offer = response.headers.get('secure-session-registration') ?? ''
  }

  /** The registration's proof. */
  async registration({ header, payload }: Altered = {}): Promise<string> {
    const jwk = await exportJWK(this.#key.publicKey)
    const jti = /challenge="([^"]+)"/.exec(this.offer)?.[1]
    return this.#sign({ jwk, ...header }, { jti, ...payload })
  }

  proof({ header, payload }: Altered = {}): Promise<string> {
    return this.#sign({ ...header }, { jti: this.challenge, ...payload })
  }

  async register(proof?: string): Promise<Response> {
    const path = /path="([^"]+)"/.exec(this.offer)?.[1] ?? ''
    const response = await this.#post(path, {
      'secure-session-response': proof ?? (await this.registration()),
    })
    if (response.status === 200) this.instructions = await response.clone().json()
    return response
  }

  /** Signed in, registered, and with a challenge at hand. */
  static async bound(browser: Browser, alg?: string): Promise<Device> {
    const device = await Device.in(browser, alg)
    await device.signIn()
    expect((await device.register()).status).toBe(200)
    expect((await device.renew(null)).status).toBe(403)
    return device
  }

  /** Asks for the access cookie; with a proof of the last challenge where none is given. */
  async renew(proof?: string | null): Promise<Response> {
    const shown = proof === undefined ? await this.proof() : proof
    const response = await this.#post(this.instructions?.refresh_url ?? '', {
      'sec-secure-session-id': `"${this.instructions?.session_identifier ?? ''}"`,
      ...(shown === null ? {} : { 'secure-session-response': shown }),
    })
    this.#hear(response)
    return response
  }

  #hear(response: Response): void {
    const header = response.headers.get('secure-session-challenge')
    if (header === null) return
    const [, challenge, id] = /^"([^"]+)";id="([^"]+)"$/.exec(header) ?? []
    expect(id).toBe(this.browser.host)
    this.challenge = challenge ?? ''
  }

  #post(path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    return this.browser.send(path, { method: 'POST', headers: { cookie: '', ...headers } })
  }

  #sign(header: object, payload: object): Promise<string> {
    return new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg: this.#alg, typ: 'dbsc+jwt', ...header })
      .sign(this.#key.privateKey)
  }
}
