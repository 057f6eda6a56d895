/** hono's `jwk` middleware: with an address of keys, and, below `/pinned/`, with the keys at hand. */
import { Hono } from 'hono'
import { jwk } from 'hono/jwk'

import { forward, type Upstream } from './upstream.ts'

interface Env extends Upstream {
  readonly ISSUER: string
  readonly KEYS: []
}

const app = new Hono<{ Bindings: Env }>()
const verification = (issuer: string) => ({ iss: issuer, aud: 'api' })

app.use('*', async (context, next) => {
  const { ISSUER, KEYS } = context.env
  const known = new URL(context.req.url).pathname.startsWith('/pinned/')
  const source = known ? { keys: KEYS } : { jwks_uri: `${ISSUER}/keys` }
  return jwk({ ...source, alg: ['ES256'], verification: verification(ISSUER) })(context, next)
})
app.all('*', (context) => forward(context.req.raw, context.env))

export default app
