/**
 * What the bundle weighs, and how long it takes to start: the time from the start of a workerd that has nothing but it until
 * its port is open, less that of one with the pass-through. Its top level has run by then.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stripTypeScriptTypes } from 'node:module'
import { gzipSync } from 'node:zlib'

import { workerdPath } from '../processes.ts'
import { median, round } from '../report.ts'
import { untilExit } from '../temporary.ts'

export interface StartUp {
  readonly gzipKiB: number
  /** Milliseconds beyond the pass-through's. */
  readonly milliseconds: number
}

export async function measureStartUp(script: string, times: number): Promise<StartUp> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-start-'))
  const remove = untilExit(folder)
  const bare = readFileSync(join(import.meta.dirname, '../workers/pass-through.ts'), 'utf8')
  const text = readFileSync(script, 'utf8')
  writeFileSync(join(folder, 'bare.js'), stripTypeScriptTypes(bare))
  writeFileSync(join(folder, 'gate.js'), text)
  const took: Record<'bare' | 'gate', number[]> = { bare: [], gate: [] }
  try {
    for (const name of ['bare', 'gate'] as const)
      writeFileSync(join(folder, `${name}.capnp`), configOf(name))
    for (let i = 0; i <= times; i++) {
      for (const name of ['bare', 'gate'] as const) {
        const milliseconds = await startOnce(join(folder, `${name}.capnp`))
        if (i > 0) took[name].push(milliseconds)
      }
    }
  } finally {
    remove()
  }
  return {
    gzipKiB: round(gzipSync(text).byteLength / 1024, 1),
    milliseconds: round(median(took.gate) - median(took.bare), 1),
  }
}

const configOf = (name: string) => `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = (
    modules = [(name = "main", esModule = embed "${name}.js")],
    compatibilityDate = "2026-10-20"
  ))],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "main")]
);
`

/** Milliseconds until it says that it listens. */
function startOnce(config: string): Promise<number> {
  const start = performance.now()
  const child = spawn(workerdPath, ['serve', config, '--control-fd=3'], {
    stdio: ['ignore', 'ignore', 'pipe', 'pipe'],
  })
  let complaint = ''
  child.stderr?.on('data', (chunk: Buffer) => (complaint += chunk.toString()))
  return new Promise((resolve, reject) => {
    let took: number | undefined
    child.stdio[3]?.once('data', () => {
      took = performance.now() - start
      child.kill()
    })
    child.once('error', reject)
    child.once('close', () =>
      took === undefined ? reject(new Error(`workerd did not start: ${complaint}`)) : resolve(took),
    )
  })
}
