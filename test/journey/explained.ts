/**
 * Whether what a session's object answered can be explained by the pure model of the rotation. In which order requests that
 * overlap reached it, and in which second, nobody outside knows: any order and any second that fit will do, and every
 * state that the session may be in by then is kept for what comes next.
 */
import { present, type Rotation, startRotation } from '../../src/session/rotation.ts'

/** A refresh cookie shown, and what was answered: the number of the next cookie, or why not. */
export interface Use {
  readonly number: number
  readonly answer: number | string
}

type State = Rotation | 'ended'

/** A way to look at what is still to be explained: how many uses of each kind there are. */
interface Node {
  readonly state: State
  readonly now: number
  readonly waiting: readonly number[]
  /** Of each kind so many were looked at and found good, and are to be refused all the same: a grace may end meanwhile. */
  readonly found: readonly number[]
}

export class Explained {
  readonly #grace: number
  #states: readonly State[] = [startRotation()]

  /** Seconds, as configured. */
  constructor(grace: number) {
    this.#grace = grace
  }

  /** The session is over, whichever way all of this went. */
  get ended(): boolean {
    return this.#states.every((state) => state === 'ended')
  }

  /** Whether there is an explanation. `from` and `to`: whole seconds in which all of the uses took place. */
  accepts(uses: readonly Use[], from: number, to: number): boolean {
    const kinds = [...new Map(uses.map((use) => [JSON.stringify(use), use])).values()]
    const isSame = (one: Use, other: Use) =>
      one.number === other.number && one.answer === other.answer
    const waiting = kinds.map((kind) => uses.filter((use) => isSame(use, kind)).length)
    const found = kinds.map(() => 0)
    const queue: Node[] = this.#states.map((state) => ({ state, now: from, waiting, found }))
    const known = new Set(queue.map((node) => JSON.stringify(node)))
    const ends = new Map<string, State>()
    for (let node = queue.pop(); node !== undefined; node = queue.pop()) {
      if ([...node.waiting, ...node.found].every((count) => count === 0)) {
        ends.set(JSON.stringify(node.state), node.state)
        continue
      }
      for (const next of this.#steps(node, kinds, to)) {
        const key = JSON.stringify(next)
        if (known.has(key)) continue
        known.add(key)
        queue.push(next)
      }
    }
    this.#states = [...ends.values()]
    return ends.size > 0
  }

  #steps(node: Node, kinds: readonly Use[], to: number): readonly Node[] {
    const later = node.now < to ? [{ ...node, now: node.now + 1 }] : []
    return [...later, ...kinds.flatMap((kind, i) => this.#use(node, kind, i))]
  }

  #use(node: Node, { number, answer }: Use, kind: number): readonly Node[] {
    const { state, now, waiting, found } = node
    const isWaiting = (waiting[kind] ?? 0) > 0
    const isFound = (found[kind] ?? 0) > 0
    const done = (to: State): Node => ({ ...node, state: to, waiting: less(waiting, kind) })
    if (state === 'ended') return isWaiting && answer === 'session_unknown' ? [done(state)] : []
    const presented = present(state, number, now, this.#grace)
    if (presented.kind === 'good') {
      if (isWaiting && presented.handOut === answer) return [done(presented.rotation)]
      return isWaiting && answer === 'refresh_cookie_reused'
        ? [{ ...node, waiting: less(waiting, kind), found: less(found, kind, -1) }]
        : []
    }
    if (answer !== 'refresh_cookie_reused') return []
    return [
      ...(isWaiting ? [done('ended')] : []),
      ...(isFound ? [{ ...node, found: less(found, kind) }] : []),
    ]
  }
}

function less(counts: readonly number[], kind: number, by = 1): readonly number[] {
  return counts.with(kind, (counts[kind] ?? 0) - by)
}
