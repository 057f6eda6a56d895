/**
 * `npm start`: the whole thing on this machine. The Worker on workerd, a real OpenID provider, an API and a
 * single-page app; Ctrl-C ends them all.
 */
import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'

import { startApi } from '../examples/demo/api.ts'
import { startProvider } from '../examples/demo/provider.ts'
import { readWranglerConfig, startLocalWorker } from './local-worker.ts'

const root = join(import.meta.dirname, '..')
const configPath = join(root, 'examples/demo/wrangler.toml')
const stateDir = join(root, '.wrangler/demo')

const port = readPort(process.env['PORT'])
const ports = { worker: port, provider: port + 1, api: port + 2 }
await checkFree(ports.worker, 'the Worker')
await checkFree(ports.provider, 'the OpenID provider')
await checkFree(ports.api, 'the API')

const closing: (() => Promise<void>)[] = []
let ending = false
endOnSignals()

try {
  await start()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  await end(1)
}

async function start(): Promise<void> {
  const site = `http://localhost:${ports.worker}`
  const secrets = readSecrets()
  const provider = await startProvider({
    port: ports.provider,
    stateDir,
    clients: [
      {
        client_id: 'sallyport-demo',
        client_secret: secrets.DEMO_CLIENT_SECRET,
        redirect_uris: [`${site}/auth/callback`],
        post_logout_redirect_uris: [`${site}/`],
        grant_types: ['authorization_code', 'refresh_token'],
        backchannel_logout_uri: `${site}/auth/backchannel-logout`,
        backchannel_logout_session_required: true,
      },
      {
        client_id: 'sallyport-machine',
        client_secret: secrets.DEMO_MACHINE_SECRET,
        redirect_uris: [],
        response_types: [],
        grant_types: ['client_credentials'],
      },
    ],
  })
  closing.push(() => provider.close())
  const api = await startApi({ port: ports.api, site: () => site, audience: 'demo-api' })
  closing.push(() => api.close())
  const worker = await startLocalWorker({
    configPath,
    port: ports.worker,
    vars: movedVars(),
    secrets: { ...secrets },
    persistTo: join(stateDir, 'state'),
    onLog: (line) => console.log(line),
  })
  closing.push(() => worker.close())
  endOnSignals()
  console.log(`
Sallyport is running. Open

    ${site}/

Sign in with any name and password, call the API, start the stream, connect the socket, send some bytes. Wait a
minute until the access cookie has run out and call again. Open ${site}/private/ in a new tab, sign out
there, and see what was open end here.

A program calls the API with a token of its own:

    TOKEN=$(curl -s -u sallyport-machine:${secrets.DEMO_MACHINE_SECRET} \\
      -d grant_type=client_credentials -d resource=${site}/api ${provider.issuer}/token | cut -d'"' -f4)
    curl -H "Authorization: Bearer $TOKEN" ${site}/api/me

OpenID provider ${provider.issuer}, API ${api.url}. The Worker's log follows; Ctrl-C ends everything.
`)
}

/** The demo's own configuration, on the ports of this run. */
function movedVars(): Readonly<Record<string, unknown>> {
  const { vars } = readWranglerConfig(configPath)
  const moved = JSON.stringify(vars)
    .replaceAll('localhost:8787', `localhost:${ports.worker}`)
    .replaceAll('localhost:8788', `localhost:${ports.provider}`)
    .replaceAll('localhost:8789', `localhost:${ports.api}`)
  return JSON.parse(moved) as Record<string, unknown>
}

interface DemoSecrets {
  readonly SEAL_KEYS: string
  readonly DEMO_CLIENT_SECRET: string
  readonly DEMO_MACHINE_SECRET: string
}

/**
 * Made at the first start and kept: what the Worker stored stays readable. The provider forgets its grants when it
 * ends, so a session lasts over a restart until its next renewal.
 */
function readSecrets(): DemoSecrets {
  const file = join(stateDir, 'secrets.json')
  const kept = existsSync(file) ? readFileSync(file, 'utf8') : '{}'
  const secrets: DemoSecrets = {
    SEAL_KEYS: randomBytes(32).toString('base64url'),
    DEMO_CLIENT_SECRET: randomBytes(24).toString('base64url'),
    DEMO_MACHINE_SECRET: randomBytes(24).toString('base64url'),
    ...(JSON.parse(kept) as Partial<DemoSecrets>),
  }
  mkdirSync(stateDir, { recursive: true })
  writeFileSync(file, JSON.stringify(secrets), { mode: 0o600 })
  return secrets
}

function readPort(text: string | undefined): number {
  if (text === undefined || text === '') return 8787
  const number = Number(text)
  if (Number.isInteger(number) && number >= 1 && number <= 65_533) return number
  console.error(
    `PORT is "${text}", but must be a whole number from 1 to 65533: PORT=9000 npm start`,
  )
  process.exit(1)
}

async function checkFree(wanted: number, what: string): Promise<void> {
  const free = await new Promise<boolean>((resolve) => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(wanted, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
  if (free) return
  console.error(
    `Port ${wanted} is taken, and ${what} wants it. End what listens there, or move all three ports: ` +
      `PORT=${port + 100} npm start`,
  )
  process.exit(1)
}

/** Ours alone: Miniflare adds a handler that exits before the rest is closed. */
function endOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.removeAllListeners(signal)
    process.on(signal, () => void end(0))
  }
}

async function end(code: number): Promise<void> {
  if (ending) return
  ending = true
  await Promise.allSettled(closing.toReversed().map((close) => close()))
  process.exit(code)
}
