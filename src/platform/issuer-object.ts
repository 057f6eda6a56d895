/**
 * One object per issuer: the only place from which metadata and keys are fetched, so that an issuer sees one
 * fetch per cool-down from the whole deployment, however many isolates ask.
 *
 * The documents are public and the same for every site that trusts the issuer: they alone are keyed by issuer
 * and not by site.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Publisher } from '../config/issuer.ts'
import { Fault } from '../fault.ts'
import { fetchDocuments, type ProviderDocuments } from '../oidc/provider-documents.ts'
import { KeySet } from '../token/key-set.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import { writeCopy } from './document-copies.ts'
import type { Environment } from './environment.ts'
import { Mutex } from './mutex.ts'
import { outbound } from './outbound.ts'

/** After a failure with nothing at hand the next attempt waits this long, in seconds: nothing works until then. */
const failurePause = 5

/** What the object gives: documents as JSON text, as they travel through KV. */
export interface GivenDocuments {
  readonly documents: string
  /** Seconds: until then asking again gives the same. */
  readonly askAgainAt: number
}

export class IssuerObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()

  /**
   * The documents of a publisher, read from it if those at hand are older than `notBefore` (seconds) and the
   * cool-down allows. Old ones are better than none: they are given when fetching fails.
   */
  documents(publisherName: string, notBefore: number): Promise<Answered<GivenDocuments>> {
    return answered(() =>
      this.#mutex.run(async () => {
        const publisher = this.#publisher(publisherName)
        const documents = await this.#documents(publisher, notBefore)
        const attemptedAt = this.ctx.storage.kv.get<number>('attempted') ?? documents.fetchedAt
        return {
          documents: JSON.stringify(documents),
          askAgainAt: attemptedAt + publisher.coolDown,
        }
      }),
    )
  }

  async #documents(publisher: Publisher, notBefore: number): Promise<ProviderDocuments> {
    const now = secondsNow()
    const known = this.ctx.storage.kv.get<ProviderDocuments>('documents')
    if (known !== undefined && known.fetchedAt >= notBefore) return known
    // Stored, so that neither a restart nor a failure opens the way to the issuer. attack: unknown-kid-flood
    const attemptedAt = this.ctx.storage.kv.get<number>('attempted') ?? -Infinity
    const pause = known === undefined ? failurePause : publisher.coolDown
    if (now < attemptedAt + pause) {
      if (known !== undefined) return known
      throw new Fault('provider_unreachable', 'the last attempt failed a moment ago')
    }
    this.ctx.storage.kv.put('attempted', now)
    try {
      const fetched = await fetchDocuments(publisher, outbound, now, known)
      this.ctx.storage.kv.put('documents', fetched)
      reportKeys(publisher, known, fetched)
      await this.#publish(publisher, fetched)
      return fetched
    } catch (error) {
      const kind = error instanceof Fault ? error.kind : 'internal'
      consoleLog('warn', 'issuer.fetch_failed', {
        publisher: publisher.publisher,
        kind,
        stale: known !== undefined,
      })
      if (known !== undefined && error instanceof Fault) return known
      throw error
    }
  }

  /** KV is a copy near every location; without it isolates ask here. */
  async #publish(publisher: Publisher, documents: ProviderDocuments): Promise<void> {
    try {
      await writeCopy(this.env, publisher, documents)
    } catch (error) {
      consoleLog('warn', 'issuer.publish_failed', {
        publisher: publisher.publisher,
        cause: error instanceof Error ? error.name : 'unknown',
      })
    }
  }

  #publisher(name: string): Publisher {
    const { providers, issuers } = configurationOf(this.env)
    const found = [...providers, ...issuers].find(({ publisher }) => publisher === name)
    if (found === undefined) throw new Fault('configuration', `there is no ${name}`)
    return found
  }
}

/** A key that appears is news before its first use: who did not expect it can distrust it in time. */
function reportKeys(
  { publisher }: Publisher,
  known: ProviderDocuments | undefined,
  fetched: ProviderDocuments,
): void {
  const before = KeySet.parse(known?.jwks)
  const after = KeySet.parse(fetched.jwks)
  if (after === undefined) return
  const beforeKids = new Set(before?.kids)
  const afterKids = new Set(after.kids)
  if (before !== undefined) {
    for (const kid of afterKids.difference(beforeKids))
      consoleLog('warn', 'issuer.key_appeared', { publisher, kid: printable(kid) })
    for (const kid of beforeKids.difference(afterKids))
      consoleLog('info', 'issuer.key_gone', { publisher, kid: printable(kid) })
  }
  const refusedBefore = new Set(before?.refused.map(({ kid, why }) => `${why} ${kid}`))
  for (const { kid, why } of after.refused) {
    if (!refusedBefore.has(`${why} ${kid}`))
      consoleLog('warn', 'issuer.key_refused', { publisher, kid: printable(kid), why })
  }
}

/** A `kid` is somebody else's text: only what has the form of an identifier is logged. */
function printable(kid: string): string {
  return /^[\w.:=+/~-]{1,128}$/.test(kid) ? kid : '(not printable)'
}
