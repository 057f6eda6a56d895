/**
 * The Worker's process is killed during refreshes, at random and at four points, against a provider that rotates on every
 * use and ends a grant whose token comes twice. Three results, counted apart:
 *
 * - refresh tokens that the Worker sent twice, but for the one deliberate retry after a kill whose outcome it could not know;
 * - sessions that had ended, by signing out or because they were lost, and are there again;
 * - sessions lost outside the one window that nobody can close: the provider had rotated, and we died before storing.
 */
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { isHit, killAt, type Moment, moments, refreshTokenIn, stageOf } from '../crash-moments.ts'
import { type DemoWorld, openDemoWorld } from '../demo-world.ts'
import { Person } from '../person.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import { recordIn, sessionFiles } from '../session-storage.ts'
import { untilExit } from '../temporary.ts'
import { letPass } from '../wire.ts'

/** Seconds. */
const access = 2
const tabs = 3
/** People who are there at once: few enough for the memory of the provider, which forgets the oldest of a thousand things. */
const crowd = 10

interface Tally {
  kills: number
  /** Kills of which wires and disk show that they hit the point. */
  hit: number
  signedOut: number
  survived: number
  lostInTheWindow: number
  lostOtherwise: number
  backFromTheDead: number
  /** After a kill, the outcome unknown. */
  sentOnceMore: number
  sentTwice: number
}

/** Somebody, and where their session is kept. */
interface Visitor {
  readonly person: Person
  readonly file: string
  /** Their tabs as they were when the session ended; none while it lives. */
  ended: readonly Person[]
  tally: Tally
}

export async function measureRefreshCrash(kills: number): Promise<Outcome> {
  const folder = await mkdtemp(join(tmpdir(), 'sallyport-crash-'))
  const remove = untilExit(folder)
  const world = await openDemoWorld(folder, access)
  try {
    const crash = new Crash(world, folder)
    await crash.learnTheUsual()
    while (crash.kills < kills) await crash.round(Math.min(crowd, kills - crash.kills))
    const rows = moments.map((moment) => ({ killed: moment, ...crash.tallyOf(moment) }))
    printTable(rows)
    const sum = (name: keyof Tally) => rows.reduce((total, row) => total + row[name], 0)
    const results = {
      sentTwice: sum('sentTwice'),
      backFromTheDead: sum('backFromTheDead'),
      lostOutsideTheWindow: sum('lostOtherwise'),
    }
    printTable([results])
    printTable([{ 'at random, among people who stayed': '', ...crash.stages }])
    const reached = Object.values(results).every((count) => count === 0)
    const usual = round(crash.usual, 0)
    const { stages } = crash
    return {
      measure: 'refresh-crash',
      reached,
      kills: sum('kills'),
      ...results,
      usual,
      stages,
      rows,
    }
  } finally {
    await world.close()
    remove()
  }
}

class Crash {
  kills = 0
  /** Milliseconds that a refresh takes when nobody is killed. */
  usual = 0
  /** How far refreshes had come that were killed at random. */
  readonly stages: Record<string, number> = {}
  readonly #world: DemoWorld
  readonly #folder: string
  readonly #tallies = new Map<Moment, Tally>()
  /** Each refresh token that the Worker sent, and in which of its lives: it has had as many as it was killed. */
  readonly #sent = new Map<string, number[]>()
  #people = 0
  #rounds = 0

  constructor(world: DemoWorld, folder: string) {
    this.#world = world
    this.#folder = folder
  }

  tallyOf(moment: Moment): Tally {
    const known = this.#tallies.get(moment)
    if (known !== undefined) return known
    const tally = emptyTally()
    this.#tallies.set(moment, tally)
    return tally
  }

  async learnTheUsual(): Promise<void> {
    this.#onlyWatch()
    const times: number[] = []
    const people = await this.#signIn(5)
    await outliveRefresh()
    for (const { person } of people) {
      person.forgetAccess()
      const start = performance.now()
      await person.call()
      times.push(performance.now() - start)
    }
    this.usual = median(times)
  }

  /** Some people, a kill during the refresh of each; in the end all who are still there renew once more. */
  async round(size: number): Promise<void> {
    this.#rounds += 1
    const people = await this.#signIn(size)
    await outliveRefresh()
    for (const [i, visitor] of people.entries()) {
      const moment = moments[this.kills % moments.length] ?? 'at random'
      visitor.tally = this.tallyOf(moment)
      await this.#crash(moment, visitor, this.#leaves(moment, i))
    }
    await outliveRefresh()
    for (const { person, ended, tally } of people) {
      if (ended.length > 0) tally.backFromTheDead += await this.#howManyLive(ended)
      // Nobody was killed since: whoever is gone now is lost for no reason.
      else if ((await renew([person]))[0] !== '200') tally.lostOtherwise += 1
    }
  }

  /** In every second round one at each point signs out meanwhile, but where the disk is watched for who stays. */
  #leaves(moment: Moment, place: number): boolean {
    const isFirst = place < moments.length
    return this.#rounds % 2 === 0 && isFirst && moment !== 'after the storage write'
  }

  async #crash(moment: Moment, visitor: Visitor, leaves: boolean): Promise<void> {
    const { person, file, tally } = visitor
    const browser = Array.from({ length: tabs }, () => person.tab())
    const life = this.kills
    const signOut = async () => {
      if (!(await person.signOut()) || recordIn(file) !== undefined)
        throw new Error('signing out did not end the session')
    }
    const seen = await killAt(
      moment,
      {
        world: this.#world,
        file,
        record: recordIn(file),
        usual: this.usual,
        signOut: leaves ? signOut : undefined,
        onToken: (token) => this.#note(token, tally),
      },
      () => renew(browser),
    )
    this.kills += 1
    tally.kills += 1
    if (leaves || isHit[moment](seen)) tally.hit += 1
    if (moment === 'at random' && !leaves) {
      const stage = stageOf(seen)
      this.stages[stage] = (this.stages[stage] ?? 0) + 1
    }
    await this.#world.restart()
    this.#onlyWatch(tally)

    if (leaves) {
      tally.signedOut += 1
      visitor.ended = browser
      // Mark and provider would refuse a record that is there again: look before anybody asks them.
      const isBack = recordIn(file) !== undefined
      const howManyLive = await this.#howManyLive(browser)
      tally.backFromTheDead += isBack ? 1 : howManyLive
      return
    }
    const said = await renew(browser)
    const lives = seen.token === undefined ? [] : (this.#sent.get(seen.token) ?? [])
    // What had been replaced on the disk is not to be sent again: its outcome was known.
    if (lives.includes(life + 1)) tally[seen.stored ? 'sentTwice' : 'sentOnceMore'] += 1
    const [one = person] = browser
    person.adopt(one)
    if (said.every((answer) => answer === '200')) {
      tally.survived += 1
      return
    }
    if (seen.rotated && !seen.stored) tally.lostInTheWindow += 1
    else tally.lostOtherwise += 1
    visitor.ended = browser
    tally.backFromTheDead += await this.#howManyLive(browser)
  }

  /** Of tabs whose session is over: 1 where anything answers them all the same. */
  async #howManyLive(ended: readonly Person[]): Promise<number> {
    const said = await renew(ended)
    return said.includes('200') ? 1 : 0
  }

  /** Once, and after a kill once more; anything else is once too often. */
  #note(token: string, tally: Tally): void {
    const lives = this.#sent.get(token) ?? []
    this.#sent.set(token, [...lives, this.kills])
    if (lives.includes(this.kills) || lives.length > 1) tally.sentTwice += 1
  }

  #onlyWatch(tally: Tally = emptyTally()): void {
    this.#world.toApi.watch = letPass
    this.#world.toProvider.watch = {
      ...letPass,
      onRequest: (passing) => {
        const token = refreshTokenIn(passing)
        if (token !== undefined) this.#note(token, tally)
        return true
      },
    }
  }

  async #signIn(count: number): Promise<readonly Visitor[]> {
    const visitors: Visitor[] = []
    for (let i = 0; i < count; i++) {
      const before = new Set(sessionFiles(this.#folder))
      const person = new Person(this.#world.site, `person-${String(this.#people++)}`)
      await person.signIn()
      const [file, ...more] = sessionFiles(this.#folder).filter((name) => !before.has(name))
      if (file === undefined || more.length > 0) throw new Error('whose session is whose?')
      visitors.push({ person, file, ended: [], tally: emptyTally() })
    }
    return visitors
  }
}

function emptyTally(): Tally {
  return {
    kills: 0,
    hit: 0,
    signedOut: 0,
    survived: 0,
    lostInTheWindow: 0,
    lostOtherwise: 0,
    backFromTheDead: 0,
    sentOnceMore: 0,
    sentTwice: 0,
  }
}

/** All at once, none with an access cookie. */
function renew(browser: readonly Person[]): Promise<readonly string[]> {
  return Promise.all(
    browser.map((tab) => {
      tab.forgetAccess()
      return tab.call().catch(() => 'gone')
    }),
  )
}

/** Until access cookies are over, and a refresh is due again. */
function outliveRefresh(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, access * 1000 + 100))
}
