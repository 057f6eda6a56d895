/**
 * Contenders outside workerd: programs of Debian and of Go, each with one process or thread that does the work, as one
 * isolate does it. Their masters' processor time is counted with theirs.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'

import { endWithUs, find } from '../../scripts/interop/origins/program.ts'
import type { Signer } from '../issuer.ts'

/** What every one of them is told. */
export interface Setting {
  /** Where it listens, on loopback. */
  readonly port: number
  /** The origin behind HTTP. */
  readonly upstream: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Of bearer tokens. */
  readonly signer: Signer
  /** For its files. */
  readonly folder: string
}

/** A command, with all that it needs in files and in its surroundings. */
export interface Program {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

export interface OutsideContender {
  readonly name: string
  readonly does: 'nothing' | 'session' | 'bearer'
  /** Where a sign-in begins, for those with sessions. */
  readonly loginPath?: string
  /** Makes it ready; says why it cannot take part, or nothing. `install`: what is missing may be installed. */
  prepare(install: boolean): Promise<string | undefined>
  program(setting: Setting): Promise<Program>
}

export interface RunningProgram {
  readonly pid: number
  readonly close: () => Promise<void>
}

/** Starts it and waits until it listens. Rejects with what it printed where it does not. */
export async function startProgram(
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
  for (let i = 0; i < 200; i++) {
    if (hasEnded(child)) break
    if (await listens(port)) return { pid: child.pid ?? 0, close }
    await wait(50)
  }
  await close()
  throw new Error(`${command} does not listen:\n${said}`)
}

function hasEnded({ pid, exitCode, signalCode }: ChildProcess): boolean {
  return pid === undefined || exitCode !== null || signalCode !== null
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', () => resolve(false))
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

function end(child: ChildProcess): Promise<void> {
  return new Promise((resolve) => {
    if (hasEnded(child)) return resolve()
    child.once('exit', () => resolve())
    child.kill('SIGTERM')
  })
}
