/**
 * Tokens for origins that one session's object got in exchange for the provider's: in memory only, each got once
 * however many ask. Sharing a promise between calls is safe in an object, and only there.
 */
import type { Site } from '../config/config.ts'
import type { TokenTarget } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import { exchangeToken, nameOfTarget, type OriginToken, reserve } from '../oidc/token-for.ts'
import type { OidcParties } from '../oidc/tokens.ts'
import { secondsNow } from './clock.ts'

/** Targets of one session; a configuration has no more. */
const most = 64

export class SessionTokens {
  readonly #kept = new Map<string, OriginToken>()
  readonly #running = new Map<string, Promise<Result<OriginToken>>>()

  /** For the target, in exchange for the session's own. */
  async exchange(
    site: Site,
    subject: OriginToken,
    target: TokenTarget,
    parties: (site: Site) => Promise<OidcParties>,
  ): Promise<Result<OriginToken>> {
    const name = nameOfTarget(target)
    const kept = this.#kept.get(name)
    if (kept !== undefined && secondsNow() < kept.expiresAt - reserve) return accept(kept)
    const running = this.#running.get(name)
    if (running !== undefined) return running
    const exchange = parties(site)
      .then((party) => exchangeToken(party, subject, target, secondsNow()))
      .finally(() => this.#running.delete(name))
    this.#running.set(name, exchange)
    const exchanged = await exchange
    if (exchanged.ok) {
      if (this.#kept.size >= most) this.#kept.clear()
      this.#kept.set(name, exchanged.value)
    }
    return exchanged
  }

  /** Nothing of a session that has ended is given to anybody. */
  clear(): void {
    this.#kept.clear()
  }
}
