/**
 * The refresh at the provider, for one session's object: at most one at a time, never aborted, and written down before
 * the token is sent, so that whoever comes after a crash knows that it may have been spent.
 *
 * Sharing a promise between calls is safe in an object, and only there.
 */
import type { Site } from '../config/config.ts'
import { deny, type Result } from '../denial.ts'
import { sha256 } from '../digest.ts'
import { Fault } from '../fault.ts'
import { type OidcParties, type Refreshed, refreshTokens } from '../oidc/tokens.ts'
import type { SessionRecord } from '../session/session.ts'
import { consoleLog } from './console-log.ts'

/** Seconds: after a refresh token was sent its answer is waited for, however long people are willing to. */
const longest = 60
/** A token is sent once, and after a crash, or an answer that never came, once more. */
const mostAttempts = 2

/** A refresh that was begun; kept until its outcome is. */
interface Begun {
  /** SHA-256 of the refresh token. */
  readonly token: string
  readonly attempts: number
}

export class ProviderRefresh {
  readonly #storage: SyncKvStorage
  #running: Promise<Result<Refreshed>> | undefined

  constructor(storage: SyncKvStorage) {
    this.#storage = storage
  }

  /**
   * The outcome of the refresh that runs, begun here if none does. `keep` is called with a good one before anybody is
   * answered. `grant_revoked` where the provider refuses the token, or where it was sent too often already.
   */
  run(
    site: Site,
    record: SessionRecord,
    refreshToken: string,
    parties: () => Promise<OidcParties>,
    keep: (refreshed: Refreshed) => Promise<void>,
  ): Promise<Result<Refreshed>> {
    this.#running ??= this.#refresh(site, record, refreshToken, parties, keep).finally(() => {
      this.#running = undefined
    })
    return this.#running
  }

  async #refresh(
    site: Site,
    { identity, provider: { proofKey } }: SessionRecord,
    refreshToken: string,
    parties: () => Promise<OidcParties>,
    keep: (refreshed: Refreshed) => Promise<void>,
  ): Promise<Result<Refreshed>> {
    const patient = withPatience(await parties())
    const token = await sha256(refreshToken)
    const before = this.#storage.get<Begun>('refreshing')
    const attempts = before?.token === token ? before.attempts + 1 : 1
    // Whoever detects reuse would end the grant for it. attack: refresh-token-sent-again
    if (attempts > mostAttempts) {
      consoleLog('warn', 'session.refresh_lost', { site: site.id })
      return deny({ reason: 'grant_revoked' })
    }
    if (attempts > 1) consoleLog('warn', 'session.refresh_repeated', { site: site.id })
    // Durable before the request leaves: the output gate holds it until then.
    this.#storage.put('refreshing', { token, attempts } satisfies Begun)
    try {
      const refreshed = await refreshTokens(patient, refreshToken, identity.subject, proofKey)
      if (refreshed.ok) await keep(refreshed.value)
      this.#storage.delete('refreshing')
      return refreshed
    } catch (error) {
      // With an answer, or without a connection, the token was not spent; where no answer came it may have been.
      if (!(error instanceof Fault) || error.kind !== 'provider_slow')
        this.#storage.delete('refreshing')
      throw error
    }
  }
}

function withPatience(parties: OidcParties): OidcParties {
  return { ...parties, provider: { ...parties.provider, timeout: longest } }
}
