/** Programs of other languages: run to their end, or started and ended by what they print. */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, isAbsolute, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'

import { listens } from '../ports.ts'

export interface Ran {
  readonly ok: boolean
  /** Both outputs. */
  readonly output: string
}

/** Never rejects: a command that is not there has not run well. */
export function run(
  command: string,
  args: readonly string[],
  {
    cwd,
    env = {},
  }: { readonly cwd?: string; readonly env?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      ...(cwd === undefined ? {} : { cwd }),
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const ended = endWithUs(child)
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
    child.once('error', (error) => resolve({ ok: false, output: error.message }))
    child.once('close', (code) => {
      ended()
      resolve({ ok: code === 0, output })
    })
  })
}

/** Where a command is, or nothing; `/usr/sbin` is not on everybody's path. */
export function find(command: string): string | undefined {
  if (isAbsolute(command)) return existsSync(command) ? command : undefined
  return [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin']
    .map((folder) => join(folder, command))
    .find((path) => existsSync(path))
}

/** Installs Debian's packages. Says what hinders it, or nothing. */
export async function installFromDebian(
  ...packages: readonly string[]
): Promise<string | undefined> {
  if (find('apt-get') === undefined || process.getuid?.() !== 0)
    return `not installed, and only root on Debian can have it installed here: ${packages.join(' ')}`
  console.log(`Installing ${packages.join(' ')} ...`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['update'], { env })
  const installed = await run(
    'apt-get',
    ['install', '-y', '--no-install-recommends', ...packages],
    {
      env,
    },
  )
  return installed.ok ? undefined : `apt-get: ${lastLine(installed.output)}`
}

export interface Server {
  readonly url: string
  close(): Promise<void>
}

/** Starts a server that prints the port on which it listens. Rejects with what it printed where it does not. */
export function start(
  command: readonly [string, ...string[]],
  env: Readonly<Record<string, string>>,
): Promise<Server> {
  const [program, ...args] = command
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = endWithUs(child)
  const close = () => end(child)
  return new Promise((resolve, reject) => {
    let output = ''
    const read = (chunk: Buffer) => {
      output += chunk.toString()
      const port = /(?:listening on http:\/\/127\.0\.0\.1:|started on port )(\d+)/.exec(output)?.[1]
      if (port !== undefined) resolve({ url: `http://127.0.0.1:${port}`, close })
    }
    child.stdout.on('data', read)
    child.stderr.on('data', read)
    child.once('error', reject)
    child.once('close', () => {
      ended()
      reject(new Error(`${program} ended: ${output.slice(-2000)}`))
    })
  })
}

/** A command, with all that it needs in its surroundings. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface RunningProgram {
  readonly pid: number
  readonly close: () => Promise<void>
}

/** Starts a server and waits until it listens on its port. Rejects with what it printed where it does not. */
export async function startListening(
  { command, args, env = {} }: Program,
  port: number,
): Promise<RunningProgram> {
  const child = spawn(find(command) ?? command, args, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  })
  const forget = endWithUs(child)
  let said = ''
  child.once('error', ({ message }) => (said += message))
  for (const output of [child.stdout, child.stderr])
    output.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const close = async () => {
    await end(child)
    forget()
  }
  for (let i = 0; i < 200 && !hasEnded(child); i++) {
    if (await listens(port)) return { pid: child.pid ?? 0, close }
    await wait(50)
  }
  await close()
  throw new Error(`${command} does not listen:\n${said}`)
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (hasEnded(child)) return resolve()
    child.once('close', () => resolve())
    child.kill('SIGTERM')
  })
}

/** A child does not outlive this process. */
export function endWithUs(child: ChildProcess): () => void {
  const kill = () => void child.kill()
  process.once('exit', kill)
  return () => void process.off('exit', kill)
}

export function lastLine(text: string): string {
  return text.trim().split('\n').at(-1)?.trim() ?? ''
}
