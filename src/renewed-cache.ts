/**
 * Values at hand in the isolate that have to be made anew in time, such as assertions and tokens of our own. Of the
 * requests that need the same one, one makes it: the others go on with what still holds, and where there is nothing
 * yet, look again a moment later.
 *
 * They never wait for its promise: who makes it may be cancelled on the way. It is then given up after a while.
 */
import { TimedCache } from './timed-cache.ts'

/** Times in seconds. */
export interface Made<T> {
  readonly value: T
  /** From here on it is made anew, while it still serves. */
  readonly renewAt: number
  /** From here on it does not serve. */
  readonly usableUntil: number
}

/** Milliseconds for which a request waits for another one's value before it makes its own. */
const patience = 1000
/** Seconds after which a request that makes one is given up where nobody has waited for it. */
const lease = 10

export class RenewedCache<T> {
  readonly #kept = new TimedCache<Made<T>>()
  /** Who makes which; not a promise, only that somebody does. */
  readonly #making = new TimedCache<symbol>()
  readonly #pause: (milliseconds: number) => Promise<void>

  constructor(pause: (milliseconds: number) => Promise<void>) {
    this.#pause = pause
  }

  /** The value by that name; made by `make` where there is none. */
  async get(name: string, now: number, make: () => Promise<Made<T>>): Promise<T> {
    for (let waited = 0, step = 1; ; waited += step, step = Math.min(step * 2, 16)) {
      const kept = this.#kept.get(name, now)
      const isMaking = this.#making.get(name, now) !== undefined
      if (kept !== undefined && (now < kept.renewAt || isMaking)) return kept.value
      if (!isMaking || waited >= patience) return this.#make(name, now, make)
      await this.#pause(step)
    }
  }

  async #make(name: string, now: number, make: () => Promise<Made<T>>): Promise<T> {
    const own = Symbol(name)
    this.#making.set(name, own, now + lease)
    try {
      const made = await make()
      this.#kept.set(name, made, made.usableUntil)
      return made.value
    } finally {
      if (this.#making.get(name, now) === own) this.#making.delete(name)
    }
  }
}
