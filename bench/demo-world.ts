/**
 * The demo's Worker and provider for measurements of sessions: access cookies that last two seconds, a provider that
 * rotates on every use and ends a grant whose token comes twice.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'

import { startApi } from '../examples/demo/api.ts'
import { type RunningProvider, startProvider } from '../examples/demo/provider.ts'
import { bundleWorker, readWranglerConfig, startLocalWorker } from '../scripts/local-worker.ts'
import { freePort, workerds } from './processes.ts'
import { untilExit } from './temporary.ts'

const configPath = join(import.meta.dirname, '../examples/demo/wrangler.toml')

export interface DemoWorld {
  readonly site: string
  readonly provider: RunningProvider
  /** Called with each refresh token that the provider is sent, before it looks at it. */
  onRefresh: (token: string) => void
  /** Kills the Worker's process, as a power cut would. */
  kill(): void
  /** Starts it again on the same storage. */
  restart(): Promise<void>
  close(): Promise<void>
}

export async function openDemoWorld(persistTo: string): Promise<DemoWorld> {
  const script = await bundleWorker(configPath)
  const removeScript = untilExit(dirname(script))
  const port = await freePort()
  const site = `http://localhost:${String(port)}`
  const secrets = {
    SEAL_KEYS: randomBytes(32).toString('base64url'),
    DEMO_CLIENT_SECRET: randomBytes(24).toString('base64url'),
  }
  let world: DemoWorld | undefined = undefined
  const provider = await startProvider({
    port: 0,
    onRefreshToken: (token) => world?.onRefresh(token),
    clients: [
      {
        client_id: 'sallyport-demo',
        client_secret: secrets.DEMO_CLIENT_SECRET,
        redirect_uris: [`${site}/auth/callback`],
        post_logout_redirect_uris: [`${site}/`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
  })
  const api = await startApi({ port: 0, site: () => site, audience: 'demo-api' })
  const start = () =>
    startLocalWorker({
      configPath,
      script,
      port,
      secrets,
      vars: varsFor(site, provider.issuer, api.url),
      persistTo,
      onLog: () => undefined,
    })
  let worker = await start()
  world = {
    site,
    provider,
    onRefresh: () => undefined,
    kill: () => {
      for (const pid of workerds()) process.kill(pid, 'SIGKILL')
    },
    restart: async () => {
      await worker.close().catch(() => undefined)
      worker = await start()
    },
    close: async () => {
      await worker.close().catch(() => undefined)
      await Promise.all([provider.close(), api.close()])
      removeScript()
    },
  }
  return world
}

function varsFor(site: string, issuer: string, api: string): Readonly<Record<string, unknown>> {
  const moved = JSON.stringify(readWranglerConfig(configPath).vars)
    .replaceAll('http://localhost:8788', issuer)
    .replaceAll('http://localhost:8789', api)
    .replaceAll('localhost:8787', new URL(site).host)
  const vars = JSON.parse(moved) as { readonly SITES: readonly object[] }
  const session = { access: '2s', idle: '10m', absolute: '1h', grace: '1s' }
  return { ...vars, SITES: vars.SITES.map((written) => Object.assign(written, { session })) }
}
