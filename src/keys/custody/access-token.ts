/**
 * A token by which a custodian knows us: fetched where none is held, held till shortly before its end.
 *
 * The value is held, never the promise of it: two requests that find none fetch one each.
 */
import { Fault } from '../../fault.ts'

export interface Granted {
  readonly token: string
  /** Seconds for which it is good; `Infinity` where it has no end. */
  readonly lifetime: number
}

/** A request under way must not meet the end: this part of the life, at most so many seconds, is left unused. */
const reserve = 0.1
const mostReserve = 60

/** Seconds: a refusal is not blamed on a token younger than this, or each one would fetch another. */
const beyondDoubt = 30

export class AccessToken {
  readonly #grant: () => Promise<Granted>
  readonly #now: () => number
  #held: { readonly token: string; readonly since: number; readonly until: number } | undefined

  constructor(grant: () => Promise<Granted>, now: () => number) {
    this.#grant = grant
    this.#now = now
  }

  /**
   * Does the work with a token; once more with a new one where a token that was held for some time is refused,
   * since it may have been revoked.
   */
  async use<T>(work: (token: string) => Promise<T>): Promise<T> {
    const held = this.#held
    if (held === undefined || this.#now() >= held.until) return work(await this.#renew())
    try {
      return await work(held.token)
    } catch (error) {
      const refused = error instanceof Fault && error.kind === 'custody_refused'
      if (!refused || this.#now() - held.since < beyondDoubt) throw error
      return work(await this.#renew())
    }
  }

  async #renew(): Promise<string> {
    const { token, lifetime } = await this.#grant()
    const since = this.#now()
    const until = since + lifetime - Math.min(lifetime * reserve, mostReserve)
    this.#held = { token, since, until }
    return token
  }
}
