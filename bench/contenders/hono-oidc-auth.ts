/** Sign-in by `@hono/oidc-auth`, as its documentation has it. */
import { oidcAuthMiddleware, processOAuthCallback } from '@hono/oidc-auth'
import { Hono } from 'hono'

import { forward, type Upstream } from './upstream.ts'

const app = new Hono<{ Bindings: Upstream }>()

app.get('/callback', (context) => processOAuthCallback(context))
app.use('*', oidcAuthMiddleware())
app.all('*', async (context) => {
  const response = await forward(context.req.raw, context.env)
  // The middleware sets a header of the answer, which cannot be done to one that comes from an origin.
  return new Response(response.body, response)
})

export default app
