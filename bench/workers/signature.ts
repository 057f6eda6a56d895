/** How long WebCrypto itself takes for one verification. */
import type { webcrypto } from 'node:crypto'

interface Asked {
  readonly algorithm: { readonly name: string; readonly hash: string; readonly namedCurve: string }
  readonly jwk: webcrypto.JsonWebKey
  /** Base64. */
  readonly input: string
  readonly signature: string
  readonly times: number
}

const bytesOf = (text: string) =>
  Uint8Array.from(atob(text), (character) => character.charCodeAt(0))

export default {
  async fetch(request: Request): Promise<Response> {
    const { algorithm, jwk, input, signature, times } = (await request.json()) as Asked
    const key = await crypto.subtle.importKey('jwk', jwk, algorithm, false, ['verify'])
    const message = bytesOf(input)
    const given = bytesOf(signature)
    const start = Date.now()
    let good = 0
    for (let i = 0; i < times; i++)
      good += (await crypto.subtle.verify(algorithm, key, given, message)) ? 1 : 0
    return Response.json({ good, microseconds: ((Date.now() - start) * 1000) / times })
  },
}
