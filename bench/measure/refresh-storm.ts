/**
 * A hundred tabs of one browser whose access cookie has run out call at once, again and again: each storm costs the
 * provider one refresh, and nobody is signed out.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openDemoWorld } from '../demo-world.ts'
import { Person } from '../person.ts'
import { type Outcome, printTable, round } from '../report.ts'
import { untilExit } from '../temporary.ts'

const tabs = 100
const people = 20

export async function measureRefreshStorm(storms: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-storm-'))
  const remove = untilExit(folder)
  const world = await openDemoWorld(folder)
  try {
    const everybody = Array.from(
      { length: people },
      (_, i) => new Person(world.site, `person-${String(i)}`),
    )
    for (const person of everybody) await person.signIn()
    let [done, refreshes, answers, refused] = [0, 0, 0, 0]
    const start = performance.now()
    for (let i = 0; done < storms; i++) {
      const person = everybody[i % people]
      if (person === undefined) break
      // Each in turn: by then its access cookie, and the reason not to ask the provider, are two seconds old.
      if (i % people === 0) await new Promise((resolve) => setTimeout(resolve, 2100))
      const before = world.provider.counts.refresh
      person.forgetAccess()
      const all = Array.from({ length: tabs }, () => person.tab())
      const said = await Promise.all(all.map((tab) => tab.call()))
      answers += said.length
      refused += said.filter((answer) => answer !== '200').length
      refreshes += world.provider.counts.refresh - before
      const last = all[Math.floor(Math.random() * tabs)]
      if (last !== undefined) person.adopt(last)
      done += 1
    }
    const row = {
      storms: done,
      tabs,
      answers,
      refused,
      refreshes,
      seconds: round((performance.now() - start) / 1000, 0),
    }
    printTable([row])
    return { measure: 'refresh-storm', reached: refreshes === done && refused === 0, ...row }
  } finally {
    await world.close()
    remove()
  }
}
