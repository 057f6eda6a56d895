/** Sign-in by `@hono/oidc-auth`, as its documentation has it. */
import { oidcAuthMiddleware, processOAuthCallback } from '@hono/oidc-auth'
import { Hono } from 'hono'

import { forward, type Upstream } from './upstream.ts'

const app = new Hono<{ Bindings: Upstream }>()

app.get('/callback', (context) => processOAuthCallback(context))
app.use('*', oidcAuthMiddleware())
app.all('*', (context) => forward(context.req.raw, context.env))

export default app
