/** What is aimed at, and whether it was reached. A figure stands as it was measured; nothing is rounded in our favour. */
import { median } from '../report.ts'
import { cpuOf, ratioOf, type Slices } from './rounds.ts'

export interface Mark {
  readonly name: string
  readonly value: number
  readonly mark: number
  readonly met: boolean
  /** Whether the value must be at least the mark, or at most. */
  readonly wants: 'least' | 'most'
}

export function atLeast(name: string, value: number, mark: number): Mark {
  return { name, value, mark, met: value >= mark, wants: 'least' }
}

export function atMost(name: string, value: number, mark: number): Mark {
  return { name, value, mark, met: value <= mark, wants: 'most' }
}

export function everydayMarks(slices: Slices): readonly Mark[] {
  const throughput = (name: string, other: string, mark: number) =>
    atLeast(`${name}: throughput, of ${other}`, ratioOf(slices, name, other).median, mark)
  const cpu = (name: string, other: string, mark: number) =>
    atMost(
      `${name}: processor time, times ${other}`,
      cpuOf(slices.get(name) ?? []) / cpuOf(slices.get(other) ?? []),
      mark,
    )
  return [
    throughput('public', 'pass-through', 0.92),
    throughput('session', 'pass-through', 0.85),
    throughput('bearer ES256', 'pass-through, bearer', 0.85),
    cpu('session', 'pass-through', 1.25),
    cpu('bearer ES256', 'pass-through, bearer', 1.25),
    throughput('session', '@hono/oidc-auth', 1.4),
    throughput('bearer ES256', 'jose by hand', 1.5),
    throughput('bearer ES256', 'hono jwk', 2.5),
  ]
}

export function otherMarks(slices: Slices): readonly Mark[] {
  const same = (name: string, more: string, mark: number) =>
    atLeast(
      `${name}, ${more}: throughput, of 5 routes without marks`,
      ratioOf(slices, `${name}, ${more}`, `${name}, 5 routes`).median,
      mark,
    )
  return [
    same('session', '200 routes', 0.95),
    same('bearer ES256', '200 routes', 0.95),
    same('session', '100,000 marks', 0.98),
    same('bearer ES256', '100,000 marks', 0.98),
  ]
}

/** Microseconds that one request takes a process that has nothing else to do. */
export function requestMicroseconds(slices: Slices, name: string): number {
  return 1e6 / median((slices.get(name) ?? []).map(({ perSecond }) => perSecond))
}
