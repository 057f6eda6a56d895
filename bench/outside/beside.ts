/** Who has the origin behind HTTP, beside nginx that only passes on and beside Sallyport, in the same rounds. */
import { round } from '../report.ts'
import { cpuOf, ratioOf, type Slices, type Spread } from '../contest/rounds.ts'
import type { Variant } from '../contest/variants.ts'
import { nginx } from './debian.ts'

export interface Beside {
  readonly variant: string
  /** Of the throughput of nginx that only passes on the same request; `undefined` without it. */
  readonly ofNginx: Spread | undefined
  /** Of the throughput of Sallyport with the same kind of credential. */
  readonly ofSallyport: Spread
  /** Microseconds of processor time, all its processes. */
  readonly cpu: number
  /** Processor time, times that of Sallyport. */
  readonly timesSallyport: number
}

export function besideEachOther(variants: readonly Variant[], slices: Slices): readonly Beside[] {
  const cpu = (name: string) => cpuOf(slices.get(name) ?? [])
  return variants
    .filter(({ name }) => name.startsWith('http: '))
    .map(({ name, limit }) => {
      const isBearer = limit.endsWith(', bearer')
      const passesOn = `http: ${nginx.name}${isBearer ? ', bearer' : ''}`
      const sallyport = isBearer ? 'http: bearer ES256' : 'http: session'
      return {
        variant: name,
        ofNginx: slices.has(passesOn) ? ratioOf(slices, name, passesOn) : undefined,
        ofSallyport: ratioOf(slices, name, sallyport),
        cpu: round(cpu(name), 0),
        timesSallyport: round(cpu(name) / cpu(sallyport)),
      }
    })
}
