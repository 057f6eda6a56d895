/**
 * What a crossing is: something of one site, shown at its home and at every other site in the very same way.
 */
import { type Deployment, type Site, sites } from './deployment.ts'

export interface Crossing<T = never> {
  readonly what: string
  /** Sites that have such a thing. */
  readonly of: (site: Site) => boolean
  readonly make: (deployment: Deployment, home: Site) => Promise<T>
  /** Shows it at a site; gives what came of it. The same steps wherever that is. */
  readonly show: (thing: T, at: Site, deployment: Deployment, home: Site) => Promise<string>
  /** What comes of it at home. */
  readonly good: string
  /** All that may come of it elsewhere. */
  readonly apart: readonly string[]
  /** Good at home but once: what the other sites are shown is a new one, which has to be good at home after that. */
  readonly once?: boolean
}

/** Keeps a crossing's own type for what is shown; the list holds them as one. */
export function crossing<T>(written: Crossing<T>): Crossing {
  return written as unknown as Crossing
}

export interface Crossed {
  readonly what: string
  readonly pairs: number
  /** Where it was not good at home, before or after: then the rest says nothing. */
  readonly bad: readonly string[]
  /** Where it passed and must not. */
  readonly passed: readonly string[]
  /** What the other sites answered. */
  readonly answers: readonly string[]
}

/** Shows a thing of each site at its home, at every other site, and at its home again. */
export async function cross(deployment: Deployment, written: Crossing): Promise<Crossed> {
  const { what, good, apart, once = false } = written
  const [bad, passed, answers]: [string[], string[], Set<string>] = [[], [], new Set()]
  let pairs = 0
  for (const home of sites.filter((one) => written.of(one))) {
    const first = await written.make(deployment, home)
    const before = await written.show(first, home, deployment, home)
    if (before !== good) bad.push(`${home.id}: ${before}`)
    const thing = once ? await written.make(deployment, home) : first
    for (const away of sites.filter((one) => one !== home)) {
      pairs += 1
      const there = await written.show(thing, away, deployment, home)
      answers.add(there)
      if (!apart.includes(there)) passed.push(`${home.id} at ${away.id}: ${there}`)
    }
    const after = await written.show(thing, home, deployment, home)
    if (after !== good) bad.push(`${home.id}, after the others: ${after}`)
  }
  return { what, pairs, bad, passed, answers: [...answers].toSorted() }
}
