/**
 * A real OpenID provider on loopback: the certified `oidc-provider`, with a sign-in form that takes any name
 * and password. For the demo and for the tests; nothing here is meant for anybody's users.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

import { exportJWK, generateKeyPair, type JWK } from 'jose'
import { type ClientMetadata, type Configuration, errors, Provider } from 'oidc-provider'

import { page } from './provider-page.ts'

export interface ProviderOptions {
  /** 0 takes any free port. */
  readonly port: number
  readonly clients: readonly ClientMetadata[]
  /** Where the signing keys live on between runs. */
  readonly stateDir?: string
  /** The signing keys, as published; the first of an algorithm signs. Made where absent. */
  readonly keys?: readonly JWK[]
  /** Clients whose access tokens are opaque; all others get signed ones where they name a resource. */
  readonly opaqueFor?: readonly string[]
  /** Seconds an access token lives. */
  readonly accessTokenLifetime?: number
  /** Where it is reached, if something stands in front; its own address where absent. */
  readonly issuer?: string
  /** Anything else of oidc-provider's, laid over what stands here. */
  readonly configuration?: Configuration
}

export interface RunningProvider {
  readonly issuer: string
  readonly port: number
  readonly provider: Provider
  /** Requests to the endpoints so far. */
  readonly counts: { token: number; refresh: number; jwks: number; discovery: number }
  close(): Promise<void>
}

export async function startProvider(options: ProviderOptions): Promise<RunningProvider> {
  const counts = { token: 0, refresh: 0, jwks: 0, discovery: 0 }
  // The issuer holds the port, which is known once something listens: so listen first, answer then.
  let answer: (request: IncomingMessage, response: ServerResponse) => void = (_, response) =>
    void response.writeHead(503).end()
  const server = createServer((request, response) => {
    if (request.url === '/jwks') counts.jwks++
    if (request.url === '/.well-known/openid-configuration') counts.discovery++
    answer(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  const issuer = options.issuer ?? `http://localhost:${port}`
  const provider = new Provider(issuer, {
    ...configuration(options, options.keys ?? (await signingKeys(options.stateDir))),
    ...options.configuration,
  })
  provider.on('grant.success', ({ oidc }) => {
    counts.token++
    if (oidc.params?.['grant_type'] === 'refresh_token') counts.refresh++
  })
  const interact = interaction(provider)
  const callback = provider.callback()
  answer = (request, response) => {
    if (request.url?.startsWith('/sign-in/') === true) void interact(request, response)
    else void callback(request, response)
  }
  return {
    issuer,
    port,
    provider,
    counts,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function configuration(options: ProviderOptions, keys: readonly JWK[]): Configuration {
  const lifetime = options.accessTokenLifetime ?? 300
  return {
    clients: [...options.clients],
    jwks: { keys: [...keys] },
    cookies: { keys: [randomBytes(24).toString('hex')] },
    pkce: { required: () => true },
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'] },
    // The profile belongs into the ID token: the demo shows it without another request.
    conformIdTokenClaims: false,
    findAccount: (_, login) => ({
      accountId: login,
      claims: () => ({
        sub: login,
        name: login,
        email: `${login}@example.test`,
        email_verified: true,
      }),
    }),
    scopes: ['openid', 'offline_access', 'profile', 'email'],
    issueRefreshToken: async (_, client) => client.grantTypeAllowed('refresh_token'),
    rotateRefreshToken: true,
    ttl: {
      AccessToken: lifetime,
      AuthorizationCode: 60,
      ClientCredentials: lifetime,
      Grant: 86_400,
      IdToken: 600,
      Interaction: 600,
      RefreshToken: 86_400,
      Session: 86_400,
    },
    // Back-channel logout goes to loopback here, which the provider's own way out of the machine refuses.
    fetch: (url, init) => {
      const { dispatcher: _, ...rest } = { dispatcher: undefined, ...init }
      return fetch(url, rest)
    },
    interactions: { url: (_, { uid }) => `/sign-in/${uid}` },
    loadExistingGrant: async ({ oidc }) => {
      const known = oidc.session?.grantIdFor(oidc.client?.clientId ?? '')
      if (known !== undefined) return oidc.provider.Grant.find(known)
      // Signing in is agreeing: a consent page would only stand in the way here.
      const grant = new oidc.provider.Grant({
        clientId: oidc.client?.clientId ?? '',
        accountId: oidc.session?.accountId ?? '',
      })
      grant.addOIDCScope('openid offline_access profile email')
      const resource = oidc.params?.['resource']
      if (typeof resource === 'string') grant.addResourceScope(resource, 'orders')
      await grant.save()
      return grant
    },
    features: {
      devInteractions: { enabled: false },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true, allowedPolicy: () => true },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      // A token for one API: signed (RFC 9068), with that API as its audience.
      resourceIndicators: {
        enabled: true,
        defaultResource: () => [],
        getResourceServerInfo: (_, resource, client) => ({
          scope: 'orders',
          audience: resource,
          accessTokenTTL: lifetime,
          accessTokenFormat:
            options.opaqueFor?.includes(client.clientId) === true ? 'opaque' : 'jwt',
        }),
      },
      rpInitiatedLogout: {
        enabled: true,
        logoutSource: (context, form) => {
          context.body = page(
            'Signing out',
            `${form}<button form="op.logoutForm" name="logout" value="yes">Sign out</button>` +
              `<script>document.querySelector('button').click()</script>`,
          )
        },
        postLogoutSuccessSource: (context) => {
          context.body = page('You are signed out', '')
        },
      },
    },
    renderError: (context, { error }) => {
      context.type = 'html'
      context.body = page('The provider refuses', `<p><code>${error}</code></p>`)
    },
  }
}

/** The sign-in form: shown by GET, taken by POST. */
function interaction(provider: Provider) {
  return async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const { prompt } = await provider.interactionDetails(request, response)
      if (prompt.name !== 'login') {
        // Consent: given by signing in.
        await provider.interactionFinished(
          request,
          response,
          { consent: {} },
          { mergeWithLastSubmission: true },
        )
        return
      }
      if (request.method !== 'POST') {
        response.writeHead(200, {
          'content-type': 'text/html; charset=utf-8',
          'cache-control': 'no-store',
        })
        response.end(
          page(
            'Sign in',
            '<form method="post"><label>Name<input name="login" required autofocus autocomplete="username"></label>' +
              '<label>Password<input name="password" type="password" autocomplete="current-password"></label>' +
              '<button>Sign in</button></form><p>Any name and password will do.</p>',
          ),
        )
        return
      }
      const form = new URLSearchParams(await bodyOf(request))
      const accountId = form.get('login') ?? ''
      const result = accountId === '' ? { error: 'access_denied' } : { login: { accountId } }
      await provider.interactionFinished(request, response, result, {
        mergeWithLastSubmission: false,
      })
    } catch (error) {
      const status = error instanceof errors.OIDCProviderError ? error.statusCode : 500
      response.writeHead(status, { 'content-type': 'text/html; charset=utf-8' })
      response.end(page('This sign-in has run out', '<p>Go back and begin again.</p>'))
    }
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = ''
  for await (const chunk of request) body += String(chunk)
  return body
}

/** New signing keys, one an algorithm, with names of their own. */
export function makeKeys(): Promise<readonly JWK[]> {
  return Promise.all(
    ['RS256', 'ES256'].map(async (alg) => {
      const { privateKey } = await generateKeyPair(alg, { extractable: true })
      const kid = randomBytes(8).toString('hex')
      return { ...(await exportJWK(privateKey)), alg, use: 'sig', kid }
    }),
  )
}

async function signingKeys(stateDir: string | undefined): Promise<readonly JWK[]> {
  const file = stateDir === undefined ? undefined : join(stateDir, 'provider-keys.json')
  if (file !== undefined && existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as JWK[]
  const keys = await makeKeys()
  if (file !== undefined && stateDir !== undefined) {
    mkdirSync(stateDir, { recursive: true })
    writeFileSync(file, JSON.stringify(keys), { mode: 0o600 })
  }
  return keys
}
