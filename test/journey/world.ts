/**
 * What a journey takes place in: the demo's Worker, provider and API, each real and on a port of its
 * own. The access cookie is short, so that a journey can outlive it.
 */
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

import type { JWK } from 'jose'
import type { ClientMetadata, Configuration } from 'oidc-provider'
import { afterAll, beforeAll } from 'vitest'
import { unstable_readConfig } from 'wrangler'

import { startApi } from '../../examples/demo/api.ts'
import { type RunningProvider, startProvider } from '../../examples/demo/provider.ts'
import { bundleWorker, startLocalWorker } from '../../scripts/local-worker.ts'

const configPath = join(import.meta.dirname, '../../examples/demo/wrangler.toml')

// Seconds, so that waiting for the end of an access cookie is short
const session = { access: '4s', idle: '5m', absolute: '1h', grace: '3s' }

export interface World {
  /** The site's origin, without a slash at the end. */
  readonly site: string
  readonly provider: RunningProvider
  /** Secrets of the clients. */
  readonly secrets: { readonly DEMO_CLIENT_SECRET: string; readonly DEMO_MACHINE_SECRET: string }
  /** Refresh tokens in the order in which the provider made them. */
  readonly refreshTokens: readonly string[]
  /** What the Worker wrote to its console. */
  readonly log: readonly string[]
  /** Ends the Worker and starts it again on the same storage, secrets and port. */
  restartWorker(): Promise<void>
  /** Kills the Worker's process, as a power cut would, and starts it again. */
  killWorker(): Promise<void>
  /** Ends the provider, with all it remembers, and starts it again at the same place with these keys. */
  restartProvider(keys: readonly JWK[]): Promise<void>
}

export interface WorldOptions {
  /** Where the Worker's storage lives on; in memory where absent. */
  readonly persistTo?: string
  /** More of the site's `session`. */
  readonly session?: Readonly<Record<string, unknown>>
  /**
   * The provider binds the tokens of people to a key, and wants its nonce in each proof; the address is that of the origin
   * behind `/proven/*`, which gets those tokens.
   */
  readonly dpop?: () => string
}

/** A world for the tests of the `describe` that this is called in. */
export function aWorld(options: WorldOptions = {}): () => World {
  let world: World | null = null
  const closing: (() => Promise<void>)[] = []
  beforeAll(async () => {
    world = await open(options, closing)
  })
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })
  return () => {
    if (world === null) throw new Error('The world is there only while a test runs')
    return world
  }
}

async function open(options: WorldOptions, closing: (() => Promise<void>)[]): Promise<World> {
  const script = await bundleWorker(configPath)
  closing.push(() => rm(dirname(script), { recursive: true, force: true }))
  const port = await freePort()
  const site = `http://localhost:${String(port)}`
  const secrets = {
    SEAL_KEYS: randomBytes(32).toString('base64url'),
    DEMO_CLIENT_SECRET: randomBytes(24).toString('base64url'),
    DEMO_MACHINE_SECRET: randomBytes(24).toString('base64url'),
  }

  const { dpop } = options
  const clients = clientsOf(site, secrets, dpop !== undefined)
  const opaqueFor = ['opaque-machine']
  const configuration = dpop === undefined ? {} : demandingProofs
  let provider = await startProvider({ port: 0, clients, opaqueFor, configuration })
  closing.push(() => provider.close())
  const refreshTokens: string[] = []
  // The token is opaque, so its id is all of it
  provider.provider.on('refresh_token.saved', ({ jti }) => refreshTokens.push(jti))
  const restartProvider = async (keys: readonly JWK[]) => {
    await provider.close()
    const place = Number(new URL(provider.issuer).port)
    provider = await startProvider({ port: place, clients, opaqueFor, keys })
  }
  const api = await startApi({ port: 0, site: () => site, audience: 'demo-api' })
  closing.push(() => api.close())

  const log: string[] = []
  const startWorker = () =>
    startLocalWorker({
      configPath,
      script,
      port,
      secrets,
      vars: varsFor(
        { site, issuer: provider.issuer, api: api.url, proven: dpop?.() },
        options.session,
      ),
      onLog: (line) => log.push(line),
      ...(options.persistTo === undefined ? {} : { persistTo: options.persistTo }),
    })
  let worker = await startWorker()
  closing.push(() => worker.close())
  const killWorker = async () => {
    for (const child of childrenOf(process.pid)) {
      if (readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('workerd'))
        process.kill(Number(child), 'SIGKILL')
    }
    await worker.close().catch(() => undefined)
    worker = await startWorker()
  }
  const restartWorker = async () => {
    await worker.close()
    worker = await startWorker()
  }
  return {
    site,
    get provider() {
      return provider
    },
    secrets,
    refreshTokens,
    log,
    restartWorker,
    killWorker,
    restartProvider,
  }
}

const demandingProofs: Configuration = {
  features: {
    devInteractions: { enabled: false },
    revocation: { enabled: true },
    dPoP: { enabled: true, nonceSecret: randomBytes(32), requireNonce: () => true },
  },
}

function clientsOf(
  site: string,
  secrets: World['secrets'],
  bound: boolean,
): readonly ClientMetadata[] {
  const machine = {
    client_secret: secrets.DEMO_MACHINE_SECRET,
    redirect_uris: [],
    response_types: [],
    grant_types: ['client_credentials'],
  }
  return [
    {
      client_id: 'sallyport-demo',
      client_secret: secrets.DEMO_CLIENT_SECRET,
      redirect_uris: [`${site}/auth/callback`],
      post_logout_redirect_uris: [`${site}/`],
      grant_types: ['authorization_code', 'refresh_token'],
      dpop_bound_access_tokens: bound,
      backchannel_logout_uri: `${site}/auth/backchannel-logout`,
      backchannel_logout_session_required: true,
    },
    { client_id: 'sallyport-machine', ...machine },
    { client_id: 'opaque-machine', ...machine },
    {
      client_id: 'mobile-app',
      application_type: 'native',
      token_endpoint_auth_method: 'none',
      redirect_uris: [appCallback],
      grant_types: ['authorization_code'],
    },
  ]
}

/** Where the provider sends people back to the app on their phone; nothing listens there. */
export const appCallback = 'http://127.0.0.1/app-callback'

interface Places {
  readonly site: string
  readonly issuer: string
  readonly api: string
  readonly proven: string | undefined
}

/** The demo's own configuration, moved to the places of this world, its sessions short. */
function varsFor(
  { site, issuer, api, proven }: Places,
  more: WorldOptions['session'],
): Readonly<Record<string, unknown>> {
  const { vars } = unstable_readConfig({ config: configPath }, { hideWarnings: true })
  const moved = JSON.parse(
    JSON.stringify(vars)
      .replaceAll('http://localhost:8788', issuer)
      .replaceAll('http://localhost:8789', api)
      .replaceAll('localhost:8787', new URL(site).host),
  ) as { readonly SITES: readonly Written[]; readonly PROVIDERS: readonly object[] }
  const changed = { session: { ...session, ...more } }
  const sites = moved.SITES.map((written) => ({ ...written, ...changed }))
  if (proven === undefined) return { ...moved, SITES: sites }
  const route = { path: '/proven/*', access: 'session', forward: 'access_token' }
  return {
    ...moved,
    PROVIDERS: moved.PROVIDERS.map((written) => ({ ...written, dpop: true })),
    SITES: sites.map((written) => ({
      ...written,
      routes: [{ ...route, upstream: { url: proven } }, ...written.routes],
    })),
  }
}

interface Written {
  readonly routes: readonly object[]
}

function childrenOf(pid: number): readonly string[] {
  return readdirSync(`/proc/${String(pid)}/task`).flatMap((task) =>
    readFileSync(`/proc/${String(pid)}/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean),
  )
}

/** A port that nothing listens on, and so many after it. */
export async function freePort(further = 0): Promise<number> {
  for (;;) {
    const port = await listenBriefly(0)
    const rest = Array.from({ length: further }, (_, index) => port + 1 + index)
    const free = await Promise.all(rest.map((next) => isFree(next)))
    if (free.every(Boolean)) return port
  }
}

export async function isFree(port: number): Promise<boolean> {
  return port <= 65_535 && (await listenBriefly(port).catch(() => null)) === port
}

function listenBriefly(wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen(wanted, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo
      server.close(() => resolve(port))
    })
  })
}
