/**
 * The protocol of the refresh cookie as a whole, searched state by state: an owner with parallel requests, answers that
 * are late or lost, time, and a thief with a copy. What is one and the same for the rotation (how long ago, which
 * numbers) is one state, so that the search comes to an end.
 */
import { describe, expect, it } from 'vitest'

import { present, type Rotation, startRotation } from '../../../src/session/rotation.ts'

/** In steps of the model's clock. An access cookie lives longer than the grace: the configuration sees to that. */
const grace = 2
const access = grace + 1

interface Party {
  /** The cookie in the jar. */
  readonly holds: number
  /** Answers under way: late ones arrive within the grace, or never. */
  readonly flying: readonly { readonly number: number; readonly age: number }[]
  /** Steps that its access cookie still lives: it renews when that is gone, and not before. */
  readonly access: number
  /** Whether an answer has arrived since it last used a cookie, and how often it used one then; 2 is enough to know. */
  readonly answered: boolean
  readonly uses: number
}

interface State {
  readonly rotation: Rotation
  readonly owner: Party
  readonly thief: Party | undefined
  /** Steps since anybody used a cookie, up to more than the grace; and who it was. */
  readonly quiet: number
  readonly last: 'owner' | 'thief'
}

type Next = State | 'ended'

/** Presents the party's cookie: the answer is on its way, and may never arrive. */
function use(state: State, who: 'owner' | 'thief'): Next {
  const party = state[who]
  if (party === undefined || (who === 'owner' && party.access > 0)) return state
  const presented = present(state.rotation, party.holds, 0, grace)
  if (presented.kind === 'reused') return 'ended'
  const flying = [...party.flying, { number: presented.handOut, age: 0 }].slice(-2)
  const counts = state.thief !== undefined && party.answered
  const uses = Math.min(2, party.uses + (counts ? 1 : 0))
  return {
    ...state,
    rotation: presented.rotation,
    quiet: 0,
    last: who,
    [who]: { ...party, flying, uses, answered: false },
  }
}

/** Every answer under way may arrive, and overwrites what is in the jar; lost ones just grow old. */
function arrivals(state: State, who: 'owner' | 'thief'): readonly State[] {
  const party = state[who]
  return (party?.flying ?? []).map(({ number }, i) => ({
    ...state,
    [who]: {
      ...party,
      holds: number,
      access,
      answered: true,
      flying: party?.flying.toSpliced(i, 1),
    },
  }))
}

/** One step of time: the model's now is always 0, so that everything else grows older. */
function wait(state: State): State {
  const { rotation } = state
  const older = (party: Party | undefined) =>
    party && {
      ...party,
      access: Math.max(0, party.access - 1),
      flying: party.flying
        .map(({ number, age }) => ({ number, age: age + 1 }))
        .filter(({ age }) => age < grace),
    }
  return {
    last: state.last,
    quiet: Math.min(grace + 1, state.quiet + 1),
    owner: older(state.owner)!,
    thief: older(state.thief),
    rotation: {
      ...rotation,
      open: rotation.open.map(({ number, issuedAt }) => ({
        number,
        issuedAt: Math.max(-grace, issuedAt - 1),
      })),
      superseded: rotation.superseded
        .map(({ number, until }) => ({ number, until: until - 1 }))
        .filter(({ until }) => until >= 0),
    },
  }
}

/** A copy of what the owner holds. */
function steal(state: State): readonly State[] {
  if (state.thief !== undefined) return []
  const thief = { holds: state.owner.holds, flying: [], access: 0, answered: true, uses: 0 }
  return [{ ...state, thief }]
}

/** What may happen next. Where they keep `apart`, nobody uses a cookie within the grace of the other. */
function stepsOf(state: State, { theft, apart }: Game): readonly Next[] {
  const may = (who: 'owner' | 'thief') => !apart || state.quiet > grace || state.last === who
  return [
    ...(may('owner') ? [use(state, 'owner')] : []),
    ...arrivals(state, 'owner'),
    wait(state),
    ...(theft && may('thief') ? [use(state, 'thief')] : []),
    ...(theft ? [...arrivals(state, 'thief'), ...steal(state)] : []),
  ]
}

interface Game {
  readonly theft: boolean
  readonly apart: boolean
}

/**
 * The numbers by rank, and without those that nobody can present any more: which they are makes no difference, only which
 * is which. (So the model forgets no successor, as the rotation does past eight.)
 */
function normal(state: State): State {
  const { rotation, owner, thief } = state
  const held = new Set(
    [owner, thief].flatMap((party) =>
      party === undefined ? [] : [party.holds, ...party.flying.map(({ number }) => number)],
    ),
  )
  // The last successor is handed out again while it is fresh, held or not.
  const last = rotation.open.at(-1)
  const fresh = last !== undefined && last.issuedAt > -grace ? last.number : undefined
  const open = rotation.open.filter(({ number }) => held.has(number) || number === fresh)
  const superseded = rotation.superseded.filter(({ number }) => held.has(number))
  const numbers = new Set([
    rotation.confirmed,
    ...[...open, ...superseded].map(({ number }) => number),
    ...held,
  ])
  const ranks = new Map([...numbers].toSorted((a, b) => a - b).map((number, i) => [number, i]))
  const rank = (number: number) => ranks.get(number) ?? -1
  const ranked = <T extends { readonly number: number }>(list: readonly T[]) =>
    list.map((one) => ({ ...one, number: rank(one.number) }))
  const party = (one: Party | undefined) =>
    one && { ...one, holds: rank(one.holds), flying: ranked(one.flying) }
  return {
    quiet: state.quiet,
    last: state.last,
    owner: party(owner)!,
    thief: party(thief),
    rotation: {
      next: numbers.size,
      confirmed: rank(rotation.confirmed),
      open: ranked(open),
      superseded: ranked(superseded).toSorted((x, y) => x.number - y.number),
    },
  }
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
    owner: { holds: 0, flying: [], access, answered: true, uses: 0 },
    thief: undefined,
    quiet: 0,
    last: 'owner',
  })
  const known = new Set([JSON.stringify(start)])
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
      const key = JSON.stringify(next)
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

describe('the protocol of the refresh cookie', () => {
  it('signs no honest browser out, however its requests and answers interleave', () => {
    const found = search({ theft: false, apart: false }, (_, to) => to === 'ended')
    expect(found.bad).toEqual([])
    expect(found.states).toBeGreaterThan(30)
  })

  // A thief who always moves within the grace of the owner looks like another tab: no grace, no tabs.
  it('lets thief and owner not both go on: by the second answered use of the later one it has ended', () => {
    const both = ({ owner, thief }: State) => owner.uses === 2 && thief?.uses === 2
    const found = search({ theft: true, apart: true }, (_, to) => to !== 'ended' && both(to))
    expect(found.bad).toEqual([])
    expect(found.endings).toBeGreaterThan(0)
    expect(found.states).toBeGreaterThan(500)
  })

  it('ends a session only where a copy was made', () => {
    const theft = { theft: true, apart: false }
    const found = search(theft, (from, to) => to === 'ended' && from.thief === undefined)
    expect(found.bad).toEqual([])
    expect(found.endings).toBeGreaterThan(0)
  })
})
