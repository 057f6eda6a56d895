/**
 * The processes of workerd that this one has started, and the memory they hold; found as on Linux.
 */
import { readdirSync, readFileSync } from 'node:fs'

export function workerdProcesses(): readonly number[] {
  return readdirSync('/proc/self/task').flatMap((task) =>
    readFileSync(`/proc/self/task/${task}/children`, 'utf8')
      .split(' ')
      .filter(Boolean)
      .filter((child) => readFileSync(`/proc/${child}/cmdline`, 'utf8').includes('workerd'))
      .map(Number),
  )
}

/** Bytes of all of them that are in memory. */
export function residentBytes(processes: readonly number[]): number {
  return processes
    .map((pid) => {
      const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
      return Number(/^VmRSS:\s*(\d+) kB$/m.exec(status)?.[1]) * 1024
    })
    .reduce((sum, bytes) => sum + bytes, 0)
}

/** The most that they hold while `work` is done, above what they held before. */
export async function growthDuring<T>(
  processes: readonly number[],
  work: () => Promise<T>,
): Promise<{ readonly growth: number; readonly value: T }> {
  const before = residentBytes(processes)
  let most = before
  const look = () => {
    most = Math.max(most, residentBytes(processes))
  }
  const timer = setInterval(look, 50)
  try {
    const value = await work()
    look()
    return { growth: most - before, value }
  } finally {
    clearInterval(timer)
  }
}
