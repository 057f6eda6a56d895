/**
 * What the system says of the processes of a measurement: Linux, by /proc.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** The program itself; its package has no types. */
export const workerdPath = (createRequire(import.meta.url)('workerd') as { default: string })
  .default

/** The children of this process that are workerd, by their ids. */
export function workerds(): readonly number[] {
  return childrenOf('self').filter(isWorkerd).map(Number)
}

function childrenOf(pid: string): readonly string[] {
  return readdirSync(`/proc/${pid}/task`)
    .flatMap((task) => readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' '))
    .filter((child) => child !== '')
}

function isWorkerd(pid: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('workerd')
  } catch {
    // It has ended meanwhile.
    return false
  }
}

/** Linux counts in hundredths of a second whatever the machine. */
const tick = 10_000

/** Microseconds of processor time that a process and its children have used, in user and system mode. */
export function cpuMicroseconds(pid: number): number {
  return childrenOf(String(pid)).reduce(
    (sum, child) => sum + cpuMicroseconds(Number(child)),
    own(pid),
  )
}

function own(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8')
  // The name in parentheses may hold spaces.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[11]) + Number(fields[12])) * tick
}

/** Memory that a process holds, in KiB. */
export function residentKiB(pid: number): number {
  const text = readFileSync(`/proc/${String(pid)}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1])
}

function residentBytes(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + residentKiB(pid) * 1024, 0)
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
