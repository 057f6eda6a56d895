/**
 * The Worker's process is killed during refreshes, at random and at two moments that the provider knows: as it has received
 * the token, and as it has answered. Every session is then either there, or was in the one window that nobody can close:
 * the provider had rotated, and the answer was not stored. No token may come more often than once, and once more after
 * a kill.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type DemoWorld, openDemoWorld } from '../demo-world.ts'
import { Person } from '../person.ts'
import { type Outcome, printTable } from '../report.ts'
import { untilExit } from '../temporary.ts'

const moments = ['at random', 'as the token has come', 'as it has answered'] as const
type Moment = (typeof moments)[number]

interface Tally {
  kills: number
  survived: number
  /** The provider had spent the token, and what it gave was lost. */
  lostInTheWindow: number
  lostOtherwise: number
  sentAgain: number
  sentTooOften: number
}

export async function measureRefreshCrash(kills: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-crash-'))
  const remove = untilExit(folder)
  const world = await openDemoWorld(folder)
  const tallies = new Map<Moment, Tally>(moments.map((moment) => [moment, emptyTally()]))
  try {
    for (let i = 0; i < kills; i++) {
      const moment = moments[i % moments.length] ?? 'at random'
      await crash(world, `person-${String(i)}`, moment, tallies.get(moment) ?? emptyTally())
    }
    const rows = moments.map((moment) => ({
      killed: moment,
      ...(tallies.get(moment) ?? emptyTally()),
    }))
    printTable(rows)
    const reached = rows.every((row) => row.lostOtherwise === 0 && row.sentTooOften === 0)
    return { measure: 'refresh-crash', reached, kills, rows }
  } finally {
    await world.close()
    remove()
  }
}

function emptyTally(): Tally {
  return {
    kills: 0,
    survived: 0,
    lostInTheWindow: 0,
    lostOtherwise: 0,
    sentAgain: 0,
    sentTooOften: 0,
  }
}

async function crash(world: DemoWorld, name: string, moment: Moment, tally: Tally): Promise<void> {
  const person = new Person(world.site, name)
  await person.signIn()
  await pause(2100)
  person.forgetAccess()
  const sent: string[] = []
  const rotated = world.provider.counts.refresh
  let killed = false
  const kill = () => {
    if (killed) return
    killed = true
    world.kill()
  }
  world.onRefresh = (token) => {
    sent.push(token)
    if (moment === 'as the token has come') kill()
    // The answer goes out when this turn of the loop is over.
    if (moment === 'as it has answered') setTimeout(kill, 5)
  }
  const renewing = person.call().catch(() => 'gone')
  if (moment === 'at random') setTimeout(kill, Math.random() * 60)
  await renewing
  await pause(100)
  kill()
  tally.kills += 1
  const spent = world.provider.counts.refresh > rotated
  await world.restart()
  await pause(2100)
  const said = await person.call().catch(() => 'gone')
  if (said === '200') tally.survived += 1
  else if (said === 'grant_revoked' && spent) tally.lostInTheWindow += 1
  else tally.lostOtherwise += 1
  const times = [...new Set(sent)].map((token) => sent.filter((one) => one === token).length)
  tally.sentAgain += times.filter((count) => count === 2).length
  tally.sentTooOften += times.filter((count) => count > 2).length
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
