/**
 * The protocol of the refresh cookie as a whole, searched state by state: an owner with parallel requests, requests and
 * answers that are late or lost, a provider that is slow, a Worker that crashes, time, and a thief with a copy. What is one
 * and the same for the rotation (how long ago, which numbers) is one state, so that the search comes to an end.
 */
import { describe, expect, it } from 'vitest'

import { present, type Rotation, startRotation } from '../../../src/session/rotation.ts'

/** In steps of the model's clock. */
const grace = 2

/** A request with the cookie that was in the jar when a tab sent it: others may have put another there since. */
interface Asking {
  readonly number: number
  readonly age: number
  /** Whether the session's object has found the cookie good, and waits for the provider. */
  readonly isFound: boolean
}

interface Party {
  /** The cookie in the jar. */
  readonly holds: number
  /** Requests under way: they are dealt with within the grace, whatever they wait for, or never. */
  readonly asking: readonly Asking[]
  /** Answers under way, likewise. */
  readonly flying: readonly { readonly number: number; readonly age: number }[]
  /** Its uses that count (see `counted`), 2 are enough to know; and whether it has had an answer since the last of them. */
  readonly uses: number
  readonly answered: boolean
}

type Who = 'owner' | 'thief'

interface State {
  readonly rotation: Rotation
  readonly owner: Party
  readonly thief: Party | undefined
  /** Steps since a cookie was looked at, up to more than two graces; and whose it was. */
  readonly quiet: number
  readonly last: Who
}

type Next = State | 'ended'

function changed(state: State, who: Who, change: Partial<Party>): State {
  const party = state[who]
  return party === undefined ? state : { ...state, [who]: { ...party, ...change } }
}

/** A tab sends what is in the jar. Nothing makes it wait: `/auth/refresh` renews whenever it is asked to. */
function ask(state: State, who: Who, most: number): readonly State[] {
  const party = state[who]
  if (party === undefined || party.asking.length >= most) return []
  const asking = [...party.asking, { number: party.holds, age: 0, isFound: false }]
  return [changed(state, who, { asking })]
}

/** The session's object takes up each request that may be the next. */
function handle(state: State, who: Who, { slow, most }: Game): readonly Next[] {
  // A thief who always moves within the grace of the owner looks like another tab: no grace, no tabs.
  const isFree = state.thief === undefined || state.quiet > 2 * grace || state.last === who
  const party = state[who]
  if (party === undefined || !isFree) return []
  return party.asking.flatMap((request, i) => {
    const rest = party.asking.toSpliced(i, 1)
    const heard = { ...changed(state, who, { asking: rest }), quiet: 0, last: who }
    const presented = present(state.rotation, request.number, 0, grace)
    // Found good once, it is only refused later: the grace may have run out meanwhile.
    if (presented.kind === 'reused') return [request.isFound ? heard : ('ended' as const)]
    const stored = counted({ ...heard, rotation: presented.rotation }, who, state)
    const flying = [...party.flying, { number: presented.handOut, age: 0 }].slice(-most)
    const found = [...rest, { ...request, isFound: true }]
    return [
      changed(stored, who, { flying }),
      // It crashes when the record is stored, and nobody is answered.
      stored,
      // It crashes before.
      heard,
      ...(request.isFound || !slow ? [] : [changed(heard, who, { asking: found })]),
    ]
  })
}

/** A use counts that comes two graces after whatever was before, and after an answer to the one that counted last. */
function counted(state: State, who: Who, before: State): State {
  const party = state[who]
  if (party?.answered !== true || state.thief === undefined || before.quiet < 2 * grace)
    return state
  return changed(state, who, { uses: Math.min(2, party.uses + 1), answered: false })
}

/** Every answer under way may arrive, and overwrites what is in the jar; lost ones just grow old. */
function arrivals(state: State, who: Who): readonly State[] {
  const party = state[who]
  return (party?.flying ?? []).map(({ number }, i) =>
    changed(state, who, {
      holds: number,
      answered: true,
      flying: party?.flying.toSpliced(i, 1) ?? [],
    }),
  )
}

/** One step of time: the model's now is always 0, so that everything else grows older. */
function wait(state: State): State {
  const { rotation } = state
  const older = (party: Party): Party => ({
    ...party,
    asking: party.asking
      .map((request) => ({ ...request, age: request.age + 1 }))
      .filter(({ age }) => age < grace),
    flying: party.flying
      .map(({ number, age }) => ({ number, age: age + 1 }))
      .filter(({ age }) => age < grace),
  })
  return {
    ...state,
    quiet: Math.min(2 * grace + 1, state.quiet + 1),
    owner: older(state.owner),
    thief: state.thief && older(state.thief),
    rotation: {
      ...rotation,
      confirmed: olderHandout(rotation.confirmed),
      open: rotation.open.map(olderHandout),
      superseded: rotation.superseded
        .map(({ number, until }) => ({ number, until: until - 1 }))
        .filter(({ until }) => until >= 0),
    },
  }
}

/** Longer ago than two graces is all the same. */
function olderHandout({ number, at }: Rotation['confirmed']): Rotation['confirmed'] {
  return { number, at: Math.max(-2 * grace, at - 1) }
}

/** A copy of what the owner holds. It is not used at once: after two graces all that was before is long ago anyway. */
function steal(state: State): readonly State[] {
  if (state.thief !== undefined) return []
  const { holds } = state.owner
  const thief = { holds, asking: [], flying: [], answered: true, uses: 0 }
  return [{ ...state, thief, quiet: 0, last: 'owner' }]
}

/** What may happen next. */
function stepsOf(state: State, game: Game): readonly Next[] {
  const { theft, most } = game
  const parties: readonly Who[] = theft ? ['owner', 'thief'] : ['owner']
  return [
    ...parties.flatMap((who) => [
      ...ask(state, who, most),
      ...handle(state, who, game),
      ...arrivals(state, who),
    ]),
    wait(state),
    ...(theft ? steal(state) : []),
  ]
}

/**
 * The numbers by rank, and without those that nobody can present any more: which they are makes no difference, only which
 * is which. (So the model forgets no successor, as the rotation does past eight.)
 */
function normal(state: State): State {
  const { rotation, owner, thief } = state
  const held = new Set<number>()
  for (const party of thief === undefined ? [owner] : [owner, thief]) {
    held.add(party.holds)
    for (const { number } of party.asking) held.add(number)
    for (const { number } of party.flying) held.add(number)
  }
  // The last successor is handed out again while it is fresh, held or not.
  const last = rotation.open.at(-1)
  const fresh = last !== undefined && last.at > -grace ? last.number : undefined
  const open = rotation.open.filter(({ number }) => held.has(number) || number === fresh)
  const superseded = rotation.superseded.filter(({ number }) => held.has(number))
  const numbers = new Set([rotation.confirmed.number, ...held])
  if (fresh !== undefined) numbers.add(fresh)
  const ranks = [...numbers].toSorted((a, b) => a - b)
  const ranked = <T extends { readonly number: number }>(list: readonly T[]) =>
    list.map((one) => ({ ...one, number: ranks.indexOf(one.number) }))
  const party = (one: Party): Party => ({
    ...one,
    holds: ranks.indexOf(one.holds),
    asking: ranked(one.asking).toSorted(
      (x, y) => x.number - y.number || x.age - y.age || Number(x.isFound) - Number(y.isFound),
    ),
    flying: ranked(one.flying).toSorted((x, y) => x.number - y.number || x.age - y.age),
  })
  return {
    ...state,
    owner: party(owner),
    thief: thief && party(thief),
    rotation: {
      next: ranks.length,
      confirmed: { ...rotation.confirmed, number: ranks.indexOf(rotation.confirmed.number) },
      open: ranked(open),
      superseded: ranked(superseded).toSorted((x, y) => x.number - y.number),
    },
  }
}

/** Short: there are many. */
function keyOf({ rotation, owner, thief, quiet, last }: State): string {
  const party = (one: Party) =>
    [
      one.holds,
      one.asking.map(({ number, age, isFound }) => `${number}${isFound ? '!' : '?'}${age}`).join(),
      one.flying.map(({ number, age }) => `${number}.${age}`).join(),
      one.answered ? 'a' : '',
      one.uses,
    ].join(';')
  return [
    `${rotation.confirmed.number}.${rotation.confirmed.at}`,
    rotation.open.map(({ number, at }) => `${number}.${at}`).join(),
    rotation.superseded.map(({ number, until }) => `${number}.${until}`).join(),
    party(owner),
    thief === undefined ? '' : party(thief),
    // Only who keeps apart has to know.
    thief === undefined ? '' : `${quiet}${last}`,
  ].join('|')
}

interface Game {
  readonly theft: boolean
  /** A request may wait for the provider between being found good and being dealt with. */
  readonly slow: boolean
  /** Requests, and answers, that each party has under way at once. */
  readonly most: number
}

interface Found {
  readonly states: number
  readonly endings: number
  /** The ways to the first steps of which `bad` says so. */
  readonly bad: readonly (readonly State[])[]
}

/** Every state that can be reached, breadth first. `bad` judges a step. */
function search(game: Game, bad: (from: State, to: Next) => boolean): Found {
  const start = normal({
    rotation: startRotation(),
    owner: { holds: 0, asking: [], flying: [], answered: true, uses: 0 },
    thief: undefined,
    quiet: 0,
    last: 'owner',
  })
  const known = new Set([keyOf(start)])
  const queue = [{ state: start, from: -1 }]
  const found: (readonly State[])[] = []
  let endings = 0
  for (let i = 0; i < queue.length && found.length < 3; i++) {
    const from = queue[i]!.state
    for (const to of stepsOf(from, game)) {
      if (bad(from, to)) found.push(wayTo(queue, i))
      if (to === 'ended') {
        endings += 1
        continue
      }
      const next = normal(to)
      const key = keyOf(next)
      if (known.has(key)) continue
      known.add(key)
      queue.push({ state: next, from: i })
    }
  }
  return { states: queue.length, endings, bad: found }
}

function wayTo(
  queue: readonly { readonly state: State; readonly from: number }[],
  end: number,
): readonly State[] {
  const way: State[] = []
  for (let i = end; i >= 0; i = queue[i]!.from) way.unshift(queue[i]!.state)
  return way
}

// Ends a hang; where nothing else runs, each takes a few seconds
const limits = { timeout: 240_000 }

describe('the protocol of the refresh cookie', () => {
  it(
    'signs no honest browser out, however its requests, answers and our crashes interleave',
    limits,
    () => {
      const game = { theft: false, slow: true, most: 2 }
      const found = search(game, (_, to) => to === 'ended')
      expect(found.bad).toEqual([])
      expect(found.states).toBeGreaterThan(20_000)
    },
  )

  it(
    'lets thief and owner not both go on: by the second use of the later one it has ended',
    limits,
    () => {
      const game = { theft: true, slow: false, most: 1 }
      const both = ({ owner, thief }: State) => owner.uses === 2 && thief?.uses === 2
      const found = search(game, (_, to) => to !== 'ended' && both(to))
      expect(found.bad).toEqual([])
      expect(found.endings).toBeGreaterThan(0)
      expect(found.states).toBeGreaterThan(50_000)
    },
  )
})
