/**
 * The demo's Worker and provider for measurements of sessions: short access cookies, a provider that
 * rotates on every use and ends a grant whose token comes twice. The network to provider and API is in our hands.
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'

import { startApi } from '../examples/demo/api.ts'
import { type RunningProvider, startProvider } from '../examples/demo/provider.ts'
import { bundleWorker, readWranglerConfig, startLocalWorker } from '../scripts/local-worker.ts'
import { freePort } from '../scripts/ports.ts'
import { workerds } from './processes.ts'
import { untilExit } from './temporary.ts'
import { openWire, type Wire } from './wire.ts'

const configPath = join(import.meta.dirname, '../examples/demo/wrangler.toml')

export interface DemoWorld {
  readonly site: string
  readonly provider: RunningProvider
  /** From the Worker and the person to the provider. */
  readonly toProvider: Wire
  /** From the Worker to the API. */
  readonly toApi: Wire
  /** `kill -9` of the Worker's process: nothing of it runs any further. What the system has of its writes stays. */
  kill(): void
  /** Starts it again on the same storage. */
  restart(): Promise<void>
  close(): Promise<void>
}

/** `access`: seconds that an access cookie lasts. A refresh at the provider is due again after four fifths of that. */
export async function openDemoWorld(persistTo: string, access: number): Promise<DemoWorld> {
  const script = await bundleWorker(configPath)
  const removeScript = untilExit(dirname(script))
  const port = await freePort()
  const site = `http://localhost:${String(port)}`
  const secrets = {
    SEAL_KEYS: randomBytes(32).toString('base64url'),
    DEMO_CLIENT_SECRET: randomBytes(24).toString('base64url'),
  }
  let ports = { provider: 0, api: 0 }
  const toProvider = await openWire(() => ports.provider)
  const toApi = await openWire(() => ports.api)
  const provider = await startProvider({
    port: 0,
    issuer: toProvider.origin,
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
  ports = { provider: provider.port, api: Number(new URL(api.url).port) }
  const start = () =>
    startLocalWorker({
      configPath,
      script,
      port,
      secrets,
      vars: varsFor(site, toProvider.origin, toApi.origin, access),
      persistTo,
      onLog: () => undefined,
    })
  let worker = await start()
  return {
    site,
    provider,
    toProvider,
    toApi,
    kill: () => {
      for (const pid of workerds()) process.kill(pid, 'SIGKILL')
    },
    restart: async () => {
      await worker.close().catch(() => undefined)
      worker = await start()
    },
    close: async () => {
      await worker.close().catch(() => undefined)
      await Promise.all([toProvider.close(), toApi.close(), provider.close(), api.close()])
      removeScript()
    },
  }
}

function varsFor(
  site: string,
  issuer: string,
  api: string,
  access: number,
): Readonly<Record<string, unknown>> {
  const moved = JSON.stringify(readWranglerConfig(configPath).vars)
    .replaceAll('http://localhost:8788', issuer)
    .replaceAll('http://localhost:8789', api)
    .replaceAll('localhost:8787', new URL(site).host)
  const vars = JSON.parse(moved) as { readonly SITES: readonly object[] }
  const session = { access: `${String(access)}s`, idle: '1h', absolute: '2h', grace: '1s' }
  return { ...vars, SITES: vars.SITES.map((written) => Object.assign(written, { session })) }
}
