/**
 * A value kept by the isolate: served while fresh; while stale, still served and renewed behind the answer by
 * one request; awaited only where there is none.
 *
 * Values and time stamps are shared, promises never: a promise belongs to the request that made it, and
 * never settles once that request has ended. Cold requests load each for themselves; the object behind
 * makes one fetch of it.
 */
import { waitUntil } from 'cloudflare:workers'

export interface Aged<T> {
  readonly value: T
  /** Seconds: from here on it is renewed behind the answer. */
  readonly freshUntil: number
  /** Seconds: from here on it is not served. */
  readonly usableUntil: number
}

/** A renewal that has not ended by then is taken for lost, and another request may try. */
const lease = 10

export class Cell<T> {
  #kept: Aged<T> | undefined
  #leaseUntil = 0

  /** The value, loaded by `load` where that is needed. What `load` throws is thrown only if nothing usable is kept. */
  async read(now: number, load: () => Promise<Aged<T>>): Promise<T> {
    const kept = this.#kept
    if (kept === undefined || now >= kept.usableUntil) return (await this.renew(load)).value
    if (now >= kept.freshUntil && now >= this.#leaseUntil) {
      this.#leaseUntil = now + lease
      // Failing leaves the stale value; the load has logged why.
      waitUntil(this.renew(load).catch(() => undefined))
    }
    return kept.value
  }

  async renew(load: () => Promise<Aged<T>>): Promise<Aged<T>> {
    const loaded = await load()
    const kept = this.#kept
    // A slow load does not take the place of a newer value; and where nothing newer can be had, the lease stays.
    if (kept !== undefined && loaded.freshUntil <= kept.freshUntil) return kept
    this.#kept = loaded
    this.#leaseUntil = 0
    return loaded
  }

  /** The value, where nothing need be done for it. */
  fresh(now: number): T | undefined {
    return this.#kept !== undefined && now < this.#kept.freshUntil ? this.#kept.value : undefined
  }

  peek(): T | undefined {
    return this.#kept?.value
  }
}
