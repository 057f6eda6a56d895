/**
 * What a proxy stands in: a Worker, a provider and an application, each real and on a port of its own, and a port that is
 * left for the proxy.
 */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync } from 'node:fs'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import type { ProxyKind } from '../../src/config/proxy.ts'
import { type RunningProvider, startProvider } from '../../examples/demo/provider.ts'
import { untilExit } from '../../bench/temporary.ts'
import { readWranglerConfig, startLocalWorker } from '../local-worker.ts'
import { freePort } from '../ports.ts'

const root = join(import.meta.dirname, '../..')
const configPath = join(root, 'examples/demo/wrangler.toml')

/** A request as it arrived at the application. */
export interface Arrived {
  readonly method: string
  readonly url: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface ForwardAuthWorld {
  /** The proxy's, without a slash at the end. */
  readonly site: string
  readonly proxyPort: number
  readonly workerPort: number
  readonly appPort: number
  readonly provider: RunningProvider
  readonly arrived: Arrived[]
  readonly secret: string
  /** For the proxy's own files; removed at the end. */
  readonly folder: string
  stopWorker(): Promise<void>
  close(): Promise<void>
}

export async function openWorld(kind: ProxyKind): Promise<ForwardAuthWorld> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const removeFolder = untilExit(folder)
  const proxyPort = await freePort()
  const site = `http://localhost:${proxyPort}`
  const secrets = {
    SEAL_KEYS: randomBytes(32).toString('base64url'),
    DEMO_CLIENT_SECRET: randomBytes(24).toString('base64url'),
    PROXY_SECRET: randomBytes(32).toString('base64url'),
  }
  const provider = await startProvider({
    port: 0,
    clients: [
      {
        client_id: 'sallyport-demo',
        client_secret: secrets.DEMO_CLIENT_SECRET,
        redirect_uris: [`${site}/auth/callback`],
        grant_types: ['authorization_code', 'refresh_token'],
      },
    ],
  })
  const arrived: Arrived[] = []
  const app = await startApp(arrived)
  const worker = await startLocalWorker({
    configPath,
    port: 0,
    secrets,
    vars: varsFor(kind, site, provider.issuer),
    onLog: () => undefined,
  })
  return {
    site,
    proxyPort,
    workerPort: Number(worker.url.port),
    appPort: app.port,
    provider,
    arrived,
    secret: secrets.PROXY_SECRET,
    folder,
    stopWorker: () => worker.close(),
    close: async () => {
      await worker.close().catch(() => undefined)
      await Promise.allSettled([provider.close(), app.close()])
      removeFolder()
    },
  }
}

function varsFor(kind: ProxyKind, site: string, issuer: string): Record<string, unknown> {
  const { vars } = readWranglerConfig(configPath)
  const demo = JSON.parse(
    JSON.stringify(vars).replaceAll('http://localhost:8788', issuer),
  ) as Record<string, unknown>
  const upstream = { proxy: true }
  const shop = {
    id: 'shop',
    hosts: [new URL(site).host],
    provider: 'demo',
    development: true,
    session: { access: '2s', idle: '10m', absolute: '1h', grace: '1s' },
    proxies: [{ kind, secret: { secret: 'PROXY_SECRET' }, plain: true }],
    routes: [
      {
        path: '/private/*',
        access: 'session',
        upstream,
        forward: { assertion: { audience: 'shop-app', header: 'Sallyport-Assertion' } },
      },
      {
        path: '/admins/*',
        access: { any: ['session'], claims: [{ name: 'role', equals: 'admin' }] },
        upstream,
      },
      { path: '/public/*', access: 'public', upstream },
    ],
  }
  return { ...demo, SITES: [shop] }
}

async function startApp(arrived: Arrived[]) {
  const server = createServer((request, response) => {
    let body = ''
    request.setEncoding('utf8')
    request.on('data', (chunk: string) => (body += chunk))
    request.on('end', () => {
      const { method = '', url = '', headers } = request
      arrived.push({ method, url, headers, body })
      response.writeHead(200, { 'content-type': 'text/plain' }).end('from the application')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { port, close }
}

/** An example's text with the places of this world; each must be there. */
export function moved(file: string, places: readonly (readonly [string, string])[]): string {
  let text = readFileSync(join(root, 'examples/proxies', file), 'utf8')
  for (const [from, to] of places) {
    if (!text.includes(from)) throw new Error(`${file} has no ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}
