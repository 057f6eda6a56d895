/**
 * One object per issuer: the only place from which a provider's discovery document and keys are fetched, so
 * that the provider sees one fetch per cool-down from the whole deployment, however many isolates ask.
 *
 * The documents are public and the same for every site that trusts the issuer: they alone are keyed by issuer
 * and not by site.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Provider } from '../config/config.ts'
import { Fault } from '../fault.ts'
import { fetchDocuments, type ProviderDocuments } from '../oidc/provider-documents.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import { writeCopy } from './document-copies.ts'
import type { Environment } from './environment.ts'
import { Mutex } from './mutex.ts'
import { outbound } from './outbound.ts'

/** Seconds between two fetches, whatever is asked for. */
const coolDown = 30
/** After a failure the next attempt waits this long. */
const failurePause = 5

export class IssuerObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()
  #failedAt = -Infinity

  /**
   * The documents of a provider's issuer, read from the provider if those at hand are older than `notBefore`
   * (seconds) and the cool-down allows. Old ones are better than none: they are given when fetching fails.
   * They travel as JSON text, as they do through KV.
   */
  documents(providerId: string, notBefore: number): Promise<Answered<string>> {
    return answered(() =>
      this.#mutex.run(async () => JSON.stringify(await this.#documents(providerId, notBefore))),
    )
  }

  async #documents(providerId: string, notBefore: number): Promise<ProviderDocuments> {
    const provider = this.#provider(providerId)
    const now = secondsNow()
    const known = this.ctx.storage.kv.get<ProviderDocuments>('documents')
    if (known !== undefined && (known.fetchedAt >= notBefore || now < known.fetchedAt + coolDown))
      return known
    if (now < this.#failedAt + failurePause) {
      if (known !== undefined) return known
      throw new Fault('provider_unreachable', 'the last attempt failed a moment ago')
    }
    try {
      const fetched = await fetchDocuments(provider, outbound, now, known)
      this.ctx.storage.kv.put('documents', fetched)
      await this.#publish(provider, fetched)
      return fetched
    } catch (error) {
      this.#failedAt = now
      const kind = error instanceof Fault ? error.kind : 'internal'
      consoleLog('warn', 'issuer.fetch_failed', {
        provider: provider.id,
        kind,
        stale: known !== undefined,
      })
      if (known !== undefined && error instanceof Fault) return known
      throw error
    }
  }

  /** KV is a copy near every location; without it isolates ask here. */
  async #publish(provider: Provider, documents: ProviderDocuments): Promise<void> {
    try {
      await writeCopy(this.env, provider.issuer, documents)
    } catch (error) {
      consoleLog('warn', 'issuer.publish_failed', {
        provider: provider.id,
        cause: error instanceof Error ? error.name : 'unknown',
      })
    }
  }

  #provider(id: string): Provider {
    const provider = configurationOf(this.env).providers.find((candidate) => candidate.id === id)
    if (provider === undefined) throw new Fault('configuration', `there is no provider ${id}`)
    return provider
  }
}
