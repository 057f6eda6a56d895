/** hono's `jwk` middleware: below `/bearer/` with the address of the keys, below `/pinned/` with the keys at hand. */
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'

import { forward, type Upstream } from './upstream.ts'

interface Env extends Upstream {
  readonly ISSUER: string
  readonly KEYS: []
}

type AnyContext =
  ReturnType<typeof jwk> extends (context: infer C, next: never) => unknown ? C : never

const app = new Hono<{ Bindings: Env }>()
const checked = (issuer: string) => ({
  alg: ['ES256' as const],
  verification: { iss: issuer, aud: 'api' },
})

app.use('/pinned/*', (context, next) => {
  const { ISSUER, KEYS } = context.env
  return jwk({ keys: KEYS, ...checked(ISSUER) })(context as AnyContext, next)
})
app.use('/bearer/*', (context, next) => {
  const { ISSUER } = context.env
  return jwk({ jwks_uri: `${ISSUER}/keys`, ...checked(ISSUER) })(context as AnyContext, next)
})
app.all('*', (context) => forward(context.req.raw, context.env))

export default app
