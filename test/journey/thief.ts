/**
 * A game: somebody with two browsers, twenty tabs in each, and a thief who copies the cookies of one of them. The rules are
 * those of `test/unit/session/rotation-model.test.ts`; here the real Worker plays, and everything that it answers has to be
 * what the pure rotation answers. What happens when is drawn from a seed; the order in which it arrives is the machine's.
 */
import fc from 'fast-check'
import { expect } from 'vitest'

import { Explained, type Use } from './explained.ts'
import { type Exchange, LossyNetwork, pause, ScreenlessBrowser } from './lossy.ts'
import type { World } from './world.ts'

const tabs = 20
/** Seconds, as configured. */
export const grace = 3

/** Who holds cookies of a session. */
interface Party {
  readonly browser: ScreenlessBrowser
  /** Whether an answer has arrived since it last used a cookie; how often it used one then, while the two keep apart. */
  answered: boolean
  uses: number
}

/** A session, and what is known of it. */
interface Watched {
  readonly id: string
  readonly owner: Party
  readonly explained: Explained
  thief: Party | undefined
  stolenUses: number
}

export interface Played {
  readonly stolenUses: number
  readonly answers: number
  readonly lost: number
}

/** Plays to the end: until the thief has been found out, and what follows from that is seen. */
export async function play(world: World, operator: string, seed: number): Promise<Played> {
  const game = new Game(world, seed)
  await game.begin()
  for (let round = 0; round < 6; round++) await game.together(false)
  await game.theft()
  // In every second game the thief looks like another tab for a while: whether that ends it, the model knows
  const asTab = seed % 2 === 0 ? 3 : 0
  for (let round = 0; round < asTab; round++) await game.together(true)
  for (let round = 0; !game.isOver; round++) {
    expect(round, `seed ${String(seed)}: nobody notices the copy`).toBeLessThan(40)
    await game.apart()
  }
  await game.aftermath(operator)
  return game
}

class Game implements Played {
  readonly #world: World
  readonly #seed: number
  readonly #chance: () => number
  readonly #network: LossyNetwork
  #robbed: Watched = undefined as never
  #other: Watched = undefined as never

  constructor(world: World, seed: number) {
    this.#world = world
    this.#seed = seed
    this.#chance = drawnFrom(seed)
    // Draws as answers come, and so in the machine's order
    this.#network = new LossyNetwork(drawnFrom(-seed))
  }

  get isOver(): boolean {
    return this.#robbed.explained.ended
  }

  get stolenUses(): number {
    return this.#robbed.stolenUses
  }

  get answers(): number {
    return this.#network.answers
  }

  get lost(): number {
    return this.#network.lost
  }

  /** Two sessions of one person. */
  async begin(): Promise<void> {
    const name = `person-${String(this.#seed)}`
    this.#robbed = await this.#signIn(name)
    this.#other = await this.#signIn(name)
  }

  /** Both browsers, some tabs each, soon after what was before or later; the thief among them, or not. */
  async together(withThief: boolean): Promise<void> {
    if (this.isOver) return
    await pause(this.#pick([0, 300, 1000, 4500]) * this.#chance())
    const { owner, thief } = this.#robbed
    const stolen = withThief && thief !== undefined ? [thief] : []
    await Promise.all([
      this.#volley(this.#robbed, [owner, ...stolen]),
      this.#volley(this.#other, [this.#other.owner]),
    ])
  }

  /** The copy is made while answers are under way. */
  async theft(): Promise<void> {
    const copying = pause(this.#chance() * 150).then(() => this.#robbed.owner.browser.copy())
    await this.together(false)
    this.#robbed.thief = { browser: await copying, answered: true, uses: 0 }
  }

  /** The owner or the thief, two graces after either: neither passes for a tab of the other. */
  async apart(): Promise<void> {
    await pause(2 * grace * 1000 + 50)
    const { owner, thief } = this.#robbed
    if (thief === undefined) throw new Error('there is no thief yet')
    const who = this.#pick([owner, thief])
    if (who.answered) who.uses += 1
    who.answered = false
    await Promise.all([
      this.#volley(this.#robbed, [who]),
      this.#volley(this.#other, [this.#other.owner]),
    ])
    if (this.isOver) return
    const both = Math.min(owner.uses, thief.uses)
    expect(both, this.#say('both went on, and nobody noticed')).toBeLessThan(2)
  }

  /** One session ended, with an audit event and a mark; the other knows nothing of it. */
  async aftermath(operator: string): Promise<void> {
    const { owner, thief, id } = this.#robbed
    const marks = await this.#marks(operator)
    expect(marks.filter((mark) => mark.id === id)).toEqual([
      expect.objectContaining({ kind: 'session', reason: 'refresh_cookie_reused', by: 'session' }),
    ])
    expect(marks.filter((mark) => mark.id === this.#other.id)).toEqual([])
    await expect.poll(() => this.#events(id)).toEqual(['session.refresh_cookie_reused'])
    expect(this.#events(this.#other.id)).toEqual([])

    for (const { browser } of [owner, ...(thief === undefined ? [] : [thief])]) {
      const { status, reason } = await browser.request('/auth/refresh', 'POST')
      expect({ status, reason }).toEqual({ status: 401, reason: 'session_unknown' })
    }
    await this.#volley(this.#other, [this.#other.owner])
    const { status } = await this.#other.owner.browser.request('/auth/refresh', 'POST')
    expect(status).toBe(204)
  }

  async #signIn(name: string): Promise<Watched> {
    const browser = new ScreenlessBrowser(this.#world.site, this.#network)
    await browser.signIn(name)
    return {
      id: browser.sessionId,
      owner: { browser, answered: true, uses: 0 },
      explained: new Explained(grace),
      thief: undefined,
      stolenUses: 0,
    }
  }

  /** Requests at about the same time; all that comes of them has to be explained. */
  async #volley(session: Watched, parties: readonly Party[]): Promise<void> {
    const from = secondsNow()
    const exchanges = await Promise.all(
      parties.flatMap((party) => {
        const most = party === session.thief ? 3 : tabs
        const count = 1 + Math.floor(this.#chance() * most)
        return Array.from({ length: count }, () => this.#request(session, party))
      }),
    )
    const uses = exchanges.flatMap(useIn)
    const what = this.#say(JSON.stringify({ from, to: secondsNow(), uses }))
    expect(session.explained.accepts(uses, from, secondsNow()), what).toBe(true)
    if (session.stolenUses > 0) return
    // Nobody is signed out but for a copy that was used
    expect(exchanges.map(({ reason }) => reason).filter(Boolean), what).toEqual([])
  }

  async #request(session: Watched, party: Party): Promise<Exchange> {
    // Drawn before anything is waited for, so that a seed says when and what
    const [delay, isRenewal] = [this.#chance() * 60, this.#chance() < 0.7]
    await pause(delay)
    if (party === session.thief) session.stolenUses += 1
    const exchange = isRenewal
      ? await party.browser.request('/auth/refresh', 'POST')
      : await party.browser.request('/api/me', 'GET')
    if (!exchange.isLost && exchange.handedOut !== undefined) party.answered = true
    return exchange
  }

  async #marks(operator: string): Promise<readonly { readonly id: string }[]> {
    const headers = { authorization: `Bearer ${operator}` }
    const response = await fetch(`${this.#world.site}/auth/operator/marks`, { headers })
    expect(response.status).toBe(200)
    const list: { readonly marks: readonly { readonly id: string }[] } = await response.json()
    return list.marks
  }

  /** Of that session, from the log. */
  #events(session: string): readonly unknown[] {
    return this.#world.log
      .filter((line) => line.includes(`"session":"${session}"`))
      .map((line) => (JSON.parse(line) as { readonly event: unknown }).event)
  }

  #pick<T>(from: readonly T[]): T {
    return from[Math.floor(this.#chance() * from.length)]!
  }

  #say(what: string): string {
    return `seed ${String(this.#seed)}: ${what}`
  }
}

/** A refresh cookie that was looked at: not where the access cookie was enough. */
function useIn({ number, hadAccess, status, reason, handedOut }: Exchange): readonly Use[] {
  if (number === undefined) return []
  if (handedOut !== undefined) return [{ number, answer: handedOut }]
  if (hadAccess && status === 200) return []
  // A mark is what an access cookie meets where the session is gone
  const isMarked = hadAccess && reason === 'session_revoked'
  return [{ number, answer: isMarked ? 'session_unknown' : (reason ?? `status ${String(status)}`) }]
}

function secondsNow(): number {
  return Math.floor(Date.now() / 1000)
}

/** The same numbers, from 0 to less than 1, for the same seed; more than a game needs. */
function drawnFrom(seed: number): () => number {
  const most = 1_000_000
  const numbers = fc.sample(fc.noBias(fc.nat({ max: most - 1 })), { seed, numRuns: 20_000 })
  let drawn = 0
  return () => (numbers[drawn++ % numbers.length] ?? 0) / most
}
