/** Bearer tokens checked by hand with jose, as its documentation has it: a remote key set, made once an isolate. */
import { createRemoteJWKSet, jwtVerify } from 'jose'

import { forward, type Upstream } from './upstream.ts'

interface Env extends Upstream {
  readonly ISSUER: string
}

let keys: ReturnType<typeof createRemoteJWKSet> | undefined

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    keys ??= createRemoteJWKSet(new URL(`${env.ISSUER}/keys`))
    const token = (request.headers.get('authorization') ?? '').slice('Bearer '.length)
    try {
      await jwtVerify(token, keys, { issuer: env.ISSUER, audience: 'api', algorithms: ['ES256'] })
    } catch {
      return new Response('Unauthorized', { status: 401 })
    }
    return forward(request, env)
  },
}
