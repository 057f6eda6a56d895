/**
 * The load of `load.ts` from a process of its own, so that what answers beside the measurement (an issuer, a provider)
 * does not slow it. It says how much of a processor it used: near 1 it would be the limit itself.
 */
import { type ChildProcess, fork } from 'node:child_process'

import { load, type Load } from './load.ts'

export interface Loaded {
  readonly answers: number
  readonly perSecond: number
  readonly statuses: Readonly<Record<string, number>>
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
  /** Of one processor. */
  readonly busy: number
}

export interface LoadProcess {
  load(asked: Load): Promise<Loaded>
  close(): void
}

type Reply = { readonly loaded: Loaded } | { readonly failed: string }

export function startLoadProcess(): LoadProcess {
  const child: ChildProcess = fork(import.meta.filename, { serialization: 'advanced' })
  return {
    load: (asked) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error('the process that makes the load has ended'))
        child.once('exit', onExit)
        child.once('message', (reply: Reply) => {
          child.off('exit', onExit)
          if ('loaded' in reply) resolve(reply.loaded)
          else reject(new Error(reply.failed))
        })
        child.send(asked)
      }),
    close: () => void child.kill(),
  }
}

async function answer(asked: Load): Promise<Reply> {
  // Buffers arrive as plain bytes.
  const requests = asked.requests.map((bytes) => Buffer.from(bytes))
  const before = process.cpuUsage()
  try {
    const { statuses, perSecond, seconds, latencies } = await load({ ...asked, requests })
    const { user, system } = process.cpuUsage(before)
    const at = (part: number) => latencies[Math.floor((latencies.length - 1) * part)] ?? Number.NaN
    const answers = latencies.length
    const busy = (user + system) / 1e6 / seconds
    return { loaded: { answers, perSecond, statuses, p50: at(0.5), p99: at(0.99), busy } }
  } catch (error) {
    return { failed: String(error) }
  }
}

if (process.argv[1] === import.meta.filename) {
  process.on('message', (asked: Load) => void answer(asked).then((reply) => process.send?.(reply)))
  process.once('disconnect', () => process.exit())
}
