/**
 * Several Workers in one workerd, for measurements: the gate, what it is compared with, and what lies behind.
 */
import { readFileSync } from 'node:fs'
import { stripTypeScriptTypes } from 'node:module'
import { dirname, join } from 'node:path'

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'

import { bundleWorker, type V4Options, workerOptionsOf } from '../scripts/local-worker.ts'
import { untilExit } from './temporary.ts'

export const gateConfig = join(import.meta.dirname, 'gate/wrangler.toml')

type Worker = Readonly<Record<string, unknown>>

export interface Running {
  readonly port: number
  readonly miniflare: Miniflare
  close(): Promise<void>
}

/** A Worker of one plain file in `workers/`. */
export function plainWorker(name: string, more: Worker = {}): Worker {
  return {
    name,
    modules: true,
    script: stripTypeScriptTypes(
      readFileSync(join(import.meta.dirname, `workers/${name}.ts`), 'utf8'),
    ),
    compatibilityDate: '2026-10-20',
    ...more,
  }
}

export function passThrough(): Worker {
  return plainWorker('pass-through', { serviceBindings: { ORIGIN: 'origin' } })
}

/** The objects behind a binding of a Worker, the first where none is named, as it sees them. */
export function objectsOf({ miniflare }: Running, binding: string, worker?: string) {
  return miniflare.getDurableObjectNamespace(binding, worker)
}

/** The gate's bundle, made once a measurement; `close` removes it. */
export async function bundleGate(): Promise<{ script: string; close: () => void }> {
  const script = await bundleWorker(gateConfig)
  return { script, close: untilExit(dirname(script)) }
}

export function gateWorker(script: string, vars: Worker, more: Worker = {}): Worker {
  const secrets = { SEAL_KEYS: 'A'.repeat(43) }
  return { ...workerOptionsOf({ configPath: gateConfig, vars, secrets }, script), ...more }
}

/**
 * Copies of the gate, each an isolate of its own, that share KV and the objects of one more. The front sends a request to
 * the copy that its `x-isolate` names, or past them to the `ORIGIN`.
 */
export function manyIsolates(script: string, vars: Worker, count: number): readonly Worker[] {
  const owner = gateWorker(script, vars, { name: 'gate' })
  const shared = (className: string) => ({ className, scriptName: 'gate' })
  const objects = {
    SESSION_OBJECTS: shared('SessionObject'),
    ISSUER_OBJECTS: shared('IssuerObject'),
    KEY_OBJECTS: shared('KeyObject'),
    DENYLIST_OBJECTS: shared('DenylistObject'),
    DEVICE_OBJECTS: shared('DeviceObject'),
  }
  const names = Array.from({ length: count }, (_, i) => `copy-${String(i)}`)
  const copies = names.map((name) => gateWorker(script, vars, { name, durableObjects: objects }))
  const bindings = Object.fromEntries(names.map((name, i) => [`GATE_${String(i)}`, name]))
  const front = plainWorker('front', { serviceBindings: { ...bindings, GATE_ORIGIN: 'origin' } })
  return [front, owner, ...copies, plainWorker('origin')]
}

/** The first of the Workers answers on the port, any free one where `at` is 0; the others are reached through bindings. */
export async function startWorkers(
  workers: readonly Worker[],
  persistTo?: string,
  at = 0,
): Promise<Running> {
  const [first = {}, ...others] = workers
  // Straight to the Worker: the development proxy in front of it costs more than what is measured.
  const direct = { ...first, unsafeDirectSockets: [{ host: '127.0.0.1', port: at }] }
  const options: unknown = {
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    // Refused tokens are logged, one line each: not what is measured, and not to be printed.
    handleStructuredLogs: () => undefined,
    ...(persistTo === undefined ? {} : { resourcePersistencePath: persistTo }),
    workers: [direct, ...others],
  }
  const miniflare = new Miniflare(convertV4MiniflareOptions(options as V4Options))
  await miniflare.ready
  const { port } = await miniflare.unsafeGetDirectURL(String(first['name']))
  return { port: Number(port), miniflare, close: () => miniflare.dispose() }
}
