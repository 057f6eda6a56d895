/** One of the contenders, by name. */
import honoJwk from './hono-jwk.ts'
import honoOidcAuth from './hono-oidc-auth.ts'
import joseByHand from './jose-by-hand.ts'

interface Env {
  readonly CONTENDER: keyof typeof contenders
}

const contenders = {
  'hono-jwk': honoJwk,
  'hono-oidc-auth': honoOidcAuth,
  'jose-by-hand': joseByHand,
}

export default {
  fetch: (request: Request, env: Env): Promise<Response> | Response =>
    contenders[env.CONTENDER].fetch(request, env as never),
}
