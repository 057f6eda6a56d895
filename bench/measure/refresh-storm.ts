/**
 * A hundred tabs of one browser whose access cookie has run out call at once, again and again: each storm costs the
 * provider one token call, as counted on the wire to it, and nobody is signed out.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { openDemoWorld } from '../demo-world.ts'
import { Person } from '../person.ts'
import { type Outcome, printTable, round } from '../report.ts'
import { untilExit } from '../temporary.ts'
import { letPass } from '../wire.ts'

/** Seconds: longer than the slowest storm, so that a late tab has no reason to ask the provider again. */
const access = 10
const tabs = 100
const people = 20

export async function measureRefreshStorm(storms: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-storm-'))
  const remove = untilExit(folder)
  const world = await openDemoWorld(folder, access)
  try {
    const everybody = Array.from(
      { length: people },
      (_, i) => new Person(world.site, `person-${String(i)}`),
    )
    const renewed = new Map<Person, number>()
    for (const person of everybody) {
      await person.signIn()
      renewed.set(person, performance.now())
    }
    const untilDue = (person: Person) => {
      const since = performance.now() - (renewed.get(person) ?? 0)
      return new Promise((resolve) => setTimeout(resolve, Math.max(0, access * 1000 - since)))
    }
    let [done, calls, answers, refused, costlyStorms] = [0, 0, 0, 0, 0]
    const reasons: Record<string, number> = {}
    world.toProvider.watch = {
      ...letPass,
      onRequest: ({ path }) => {
        if (path === '/token') calls += 1
        return true
      },
    }
    const start = performance.now()
    for (let i = 0; done < storms; i++) {
      const person = everybody[i % people]
      if (person === undefined) break
      await untilDue(person)
      const before = calls
      person.forgetAccess()
      const all = Array.from({ length: tabs }, () => person.tab())
      const said = await Promise.all(all.map((tab) => tab.call()))
      renewed.set(person, performance.now())
      answers += said.length
      for (const reason of said.filter((answer) => answer !== '200')) {
        refused += 1
        reasons[reason] = (reasons[reason] ?? 0) + 1
      }
      if (calls - before !== 1) costlyStorms += 1
      const last = all[Math.floor(Math.random() * tabs)]
      if (last !== undefined) person.adopt(last)
      done += 1
    }
    const callsInStorms = calls
    let signedOut = 0
    for (const person of everybody) {
      await untilDue(person)
      person.forgetAccess()
      if ((await person.call()) !== '200') signedOut += 1
    }
    const row = {
      storms: done,
      tabs,
      answers,
      refused,
      tokenCalls: callsInStorms,
      otherThanOne: costlyStorms,
      signedOut,
      seconds: round((performance.now() - start) / 1000, 0),
    }
    printTable([row])
    const reached = costlyStorms === 0 && refused === 0 && signedOut === 0
    return { measure: 'refresh-storm', reached, ...row, reasons }
  } finally {
    await world.close()
    remove()
  }
}
