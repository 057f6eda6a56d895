/**
 * The Worker on workerd on this machine: bundled by wrangler as for a deployment, run by Miniflare. `npm start`,
 * the journeys and the measurements share it.
 */
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { unstable_getMiniflareWorkerOptions, unstable_readConfig } from 'wrangler'

export interface LocalWorkerOptions {
  readonly configPath: string
  /** A bundle of `bundleWorker`; made from `configPath` where absent. */
  readonly script?: string
  readonly port: number
  /** Take the place of the configuration's own `[vars]` of the same name. */
  readonly vars?: Readonly<Record<string, unknown>>
  readonly secrets?: Readonly<Record<string, string>>
  /** Where KV and Durable Objects live on between runs; in memory where absent. */
  readonly persistTo?: string
  /** Each line the Worker writes to its console. */
  readonly onLog?: (line: string) => void
}

export interface LocalWorker {
  readonly url: URL
  readonly miniflare: Miniflare
  close(): Promise<void>
}

/** What the scripts read of a wrangler.toml. wrangler's own type for it is not published whole. */
export interface WranglerConfig {
  readonly name?: string
  readonly vars: Readonly<Record<string, unknown>>
  readonly services?: readonly { readonly binding: string }[]
  readonly assets?: { readonly binding?: string }
  readonly secrets?: { readonly required?: readonly string[] }
}

/** Reads a wrangler.toml as wrangler does. */
export function readWranglerConfig(configPath: string): WranglerConfig {
  return unstable_readConfig({ config: configPath }, { hideWarnings: true }) as WranglerConfig
}

export type V4Options = Parameters<typeof convertV4MiniflareOptions>[0]

interface LogEntry {
  readonly message: string
}

interface WorkerOptions {
  readonly modulesRules?: unknown
  readonly bindings?: Readonly<Record<string, unknown>>
}

/** Bundles the Worker of a wrangler.toml; gives the path of the script. */
export async function bundleWorker(configPath: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-bundle-'))
  const wrangler = join(
    dirname(createRequire(import.meta.url).resolve('wrangler/package.json')),
    'bin/wrangler.js',
  )
  const arguments_ = [wrangler, 'deploy', '--dry-run', '--outdir', folder, '--config', configPath]
  await new Promise<void>((resolve, reject) => {
    const child = spawn(process.execPath, arguments_, { stdio: ['ignore', 'pipe', 'pipe'] })
    let printed = ''
    child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (printed += chunk.toString()))
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0
        ? resolve()
        : reject(new Error(`wrangler could not bundle ${configPath}:\n${printed}`)),
    )
  })
  return join(folder, 'index.js')
}

/** One Worker for Miniflare: what its wrangler.toml says, from a bundle of `bundleWorker`. */
export function workerOptionsOf(
  { configPath, vars, secrets }: Pick<LocalWorkerOptions, 'configPath' | 'vars' | 'secrets'>,
  script: string,
): Readonly<Record<string, unknown>> {
  const config = readWranglerConfig(configPath)
  const made: unknown = unstable_getMiniflareWorkerOptions(config as never).workerOptions
  // The bundle is one module already: the rules for finding more do not apply.
  const { modulesRules: _, ...worker } = made as WorkerOptions
  return {
    ...worker,
    name: config.name ?? 'sallyport',
    modules: true,
    rootPath: dirname(script),
    scriptPath: script,
    bindings: { ...worker.bindings, ...vars, ...secrets },
  }
}

export async function startLocalWorker(options: LocalWorkerOptions): Promise<LocalWorker> {
  const script = options.script ?? (await bundleWorker(options.configPath))
  const { onLog } = options
  const miniflareOptions: unknown = {
    host: '127.0.0.1',
    port: options.port,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    ...(options.persistTo === undefined ? {} : { resourcePersistencePath: options.persistTo }),
    ...(onLog === undefined
      ? {}
      : { handleStructuredLogs: (entry: LogEntry) => onLog(entry.message) }),
    workers: [workerOptionsOf(options, script)],
  }
  const miniflare = new Miniflare(convertV4MiniflareOptions(miniflareOptions as V4Options))
  const url = await miniflare.ready
  const close = async () => {
    await miniflare.dispose()
    if (options.script === undefined) await rm(dirname(script), { recursive: true, force: true })
  }
  return { url, miniflare, close }
}
