/**
 * The port to sites' key rings, for operators. What an operator changes is seen in the isolate that served them at once,
 * everywhere within `assertion.keys_bound`.
 */
import type { Site } from '../config/config.ts'
import type { Result } from '../denial.ts'
import type { Ring } from './ring.ts'

export interface KeyRings {
  /** The object's own word. */
  show(site: Site): Promise<Ring>
  /** The next key signs from now on. `rotation_too_early` where a copy of the set may lack it. */
  rotate(site: Site): Promise<Result<Ring>>
  /**
   * A key is distrusted: gone from the published set at once, and if it is the active one, which `undefined` stands for,
   * another signs. `signing_key_unknown` where the ring has no such key.
   */
  rollOver(site: Site, kid: string | undefined): Promise<Result<RolledOver>>
}

export interface RolledOver {
  readonly distrusted: string
  readonly ring: Ring
  /** Seconds. */
  readonly at: number
}
