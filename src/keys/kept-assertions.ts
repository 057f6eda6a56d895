/**
 * Assertions at hand in the isolate. Of the requests that need the same one, one signs: the others go on with what still
 * holds, and where there is nothing yet, look again a moment later.
 *
 * They never wait for its promise: who signs may be cancelled on the way. It is then given up after a while.
 */
import { TimedCache } from '../timed-cache.ts'

/** Times in seconds. */
export interface Made<T> {
  readonly value: T
  /** From here on it is signed anew, while it still serves. */
  readonly renewAt: number
  /** From here on it does not serve. */
  readonly usableUntil: number
}

/** Milliseconds for which a request waits for another one's signature before it makes its own. */
const patience = 1000
/** Seconds after which a request that signs is given up where nobody has waited for it. */
const lease = 10

export class KeptAssertions<T = string> {
  readonly #kept = new TimedCache<Made<T>>()
  /** Who signs, by what; not a promise, only that somebody does. */
  readonly #signing = new TimedCache<symbol>()
  readonly #pause: (milliseconds: number) => Promise<void>

  constructor(pause: (milliseconds: number) => Promise<void>) {
    this.#pause = pause
  }

  /** The assertion by that name; signed by `sign` where there is none. */
  async get(name: string, now: number, sign: () => Promise<Made<T>>): Promise<T> {
    for (let waited = 0, step = 1; ; waited += step, step = Math.min(step * 2, 16)) {
      const kept = this.#kept.get(name, now)
      const isSigning = this.#signing.get(name, now) !== undefined
      if (kept !== undefined && (now < kept.renewAt || isSigning)) return kept.value
      if (!isSigning || waited >= patience) return this.#sign(name, now, sign)
      await this.#pause(step)
    }
  }

  async #sign(name: string, now: number, sign: () => Promise<Made<T>>): Promise<T> {
    const own = Symbol(name)
    this.#signing.set(name, own, now + lease)
    try {
      const made = await sign()
      this.#kept.set(name, made, made.usableUntil)
      return made.value
    } finally {
      if (this.#signing.get(name, now) === own) this.#signing.delete(name)
    }
  }
}
