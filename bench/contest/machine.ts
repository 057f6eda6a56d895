/** The machine, as far as it bears on the figures. */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg, totalmem } from 'node:os'

import { workerdPath } from '../processes.ts'

export interface Machine {
  readonly processor: string
  readonly processors: number
  readonly gib: number
  /** Processes that wanted a processor in the last minute, on average, when the contest began. */
  readonly loadBefore: number
  readonly workerd: string
  readonly node: string
  readonly system: string
}

export function describeMachine(): Machine {
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    processors: availableParallelism(),
    gib: Math.round(totalmem() / 2 ** 30),
    loadBefore: Number((loadavg()[0] ?? 0).toFixed(1)),
    workerd: execFileSync(workerdPath, ['--version']).toString().trim(),
    node: process.version,
    system:
      /^PRETTY_NAME="(.*)"$/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ??
      process.platform,
  }
}
