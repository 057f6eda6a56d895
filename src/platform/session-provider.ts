/**
 * What a session's object asks of the provider: refreshes, and at the end the revocation of the refresh token.
 */
import type { Provider, Site } from '../config/config.ts'
import type { TokenTarget } from '../config/route.ts'
import { accept, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { providerOf } from '../oidc/client.ts'
import { revokeRefreshToken } from '../oidc/end-session.ts'
import type { OriginToken } from '../oidc/token-for.ts'
import type { OidcParties, Refreshed } from '../oidc/tokens.ts'
import {
  isProviderRefreshDue,
  isProviderTokenGood,
  type SessionRecord,
} from '../session/session.ts'
import { secondsNow } from './clock.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'
import { IssuerDocuments } from './issuer-documents.ts'
import { outbound } from './outbound.ts'
import { ProviderRefresh } from './provider-refresh.ts'
import { SessionTokens } from './session-tokens.ts'
import { Late, within } from './within.ts'

export class SessionProvider {
  readonly #ctx: DurableObjectState
  readonly #directory: IssuerDocuments
  readonly #refresh: ProviderRefresh
  readonly #tokens = new SessionTokens()

  constructor(ctx: DurableObjectState, env: Environment) {
    this.#ctx = ctx
    this.#directory = new IssuerDocuments(env)
    this.#refresh = new ProviderRefresh(ctx.storage.kv)
  }

  /**
   * Has the provider asked, where that is due. A provider that is down, or slower than people wait, ends nothing while
   * its last token holds; what it answers later is kept all the same. `keep` is called with what came before anybody
   * is answered.
   */
  async refresh(
    site: Site,
    record: SessionRecord,
    keep: (sent: string, refreshed: Refreshed) => Promise<void>,
  ): Promise<Result<unknown>> {
    const { refreshToken } = record.provider
    const now = secondsNow()
    if (refreshToken === undefined || !isProviderRefreshDue(record, site, now)) return accept(true)
    try {
      return await patiently(
        providerOf(site),
        this.#refresh.run(
          site,
          record,
          refreshToken,
          () => this.#parties(site),
          (tokens) => keep(refreshToken, tokens),
        ),
      )
    } catch (error) {
      if (!(error instanceof Fault) || !isProviderTokenGood(record, now)) throw error
      consoleLog('error', 'session.refresh_failed', {
        site: site.id,
        kind: error.kind,
        detail: error.message,
      })
      return accept(true)
    }
  }

  /** A token for an origin, in exchange for the session's own. */
  exchange(site: Site, token: OriginToken, target: TokenTarget): Promise<Result<OriginToken>> {
    return this.#tokens.exchange(site, token, target, (of) => this.#parties(of))
  }

  forget(): void {
    this.#tokens.clear()
  }

  /** Nobody waits for it: here the session has ended already. */
  revokeLater(site: Site, refreshToken: string | undefined): void {
    if (refreshToken === undefined) return
    this.#ctx.waitUntil(
      this.#parties(site)
        .then((parties) => revokeRefreshToken(parties, refreshToken))
        .catch((error: unknown) => {
          const kind = error instanceof Fault ? error.kind : 'internal'
          consoleLog('warn', 'session.revocation_failed', { site: site.id, kind })
        }),
    )
  }

  async #parties(site: Site): Promise<OidcParties> {
    const provider = providerOf(site)
    const metadata = await this.#directory.metadata(provider)
    return { provider, metadata, directory: this.#directory, outbound }
  }
}

/** As long as the configuration wants people to wait for the provider; the work goes on. */
async function patiently<T>({ timeout }: Pick<Provider, 'timeout'>, work: Promise<T>): Promise<T> {
  return within(timeout * 1000, work).catch((error: unknown) => {
    if (!(error instanceof Late)) throw error
    throw new Fault('provider_slow', `no answer to a refresh in ${timeout} s`)
  })
}
