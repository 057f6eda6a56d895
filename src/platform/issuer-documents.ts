/**
 * The documents of providers and issuers for this isolate: isolate → KV → the issuer's object → the network.
 */
import type { Issuer, Publisher } from '../config/issuer.ts'
import { Fault } from '../fault.ts'
import type {
  ProviderDirectory,
  ProviderDocuments,
  ProviderMetadata,
} from '../oidc/provider-documents.ts'
import { KeySet } from '../token/key-set.ts'
import { unwrap } from './answered.ts'
import { type Aged, Cell } from './cell.ts'
import { secondsNow } from './clock.ts'
import { readCopy } from './document-copies.ts'
import type { Environment } from './environment.ts'
import type { IssuerObject } from './issuer-object.ts'

/** Seconds for which the object is not asked for an unknown key after it failed. */
const failurePause = 5

/** Seconds after which documents are fetched again, behind the answers. */
const freshFor = 600

interface Kept {
  readonly documents: ProviderDocuments
  readonly keys: KeySet
}

/** One publisher's documents in this isolate. */
class Shelf {
  readonly cell = new Cell<Kept>()
  /** Seconds: until then a `kid` that is not here is not anywhere. */
  quietUntil = 0
}

export class IssuerDocuments implements ProviderDirectory {
  readonly #env: Environment
  /** By publisher: bounded by the configuration. */
  readonly #shelves = new Map<string, Shelf>()
  readonly #pinned = new WeakMap<Publisher, KeySet>()

  constructor(env: Environment) {
    this.#env = env
  }

  async metadata(publisher: Publisher): Promise<ProviderMetadata> {
    return (await this.#read(publisher)).documents.metadata
  }

  async keys(publisher: Publisher | Issuer, kid: string | undefined): Promise<KeySet> {
    if ('pinnedKeys' in publisher && publisher.pinnedKeys !== undefined)
      return this.#pinnedOf(publisher, publisher.pinnedKeys)
    const kept = await this.#read(publisher)
    // A token that names no key is no reason to look for new ones.
    if (kid === undefined || kept.keys.has(kid)) return kept.keys
    // A key we have not seen: the object decides whether anybody is asked. attack: unknown-kid-flood
    const now = secondsNow()
    const shelf = this.#shelf(publisher)
    if (now < shelf.quietUntil) return kept.keys
    try {
      return (await shelf.cell.renew(() => this.#fromObject(publisher, now))).value.keys
    } catch {
      // What is known is known; the object is left alone for a while.
      shelf.quietUntil = now + failurePause
      return kept.keys
    }
  }

  keysAtHand(publisher: Publisher | Issuer): KeySet | undefined {
    if ('pinnedKeys' in publisher && publisher.pinnedKeys !== undefined)
      return this.#pinnedOf(publisher, publisher.pinnedKeys)
    return this.#shelves.get(publisher.publisher)?.cell.fresh(secondsNow())?.keys
  }

  /** Has every publisher's documents at hand, in KV too; says whose could not be had. */
  async warm(publishers: readonly Publisher[]): Promise<readonly string[]> {
    const now = secondsNow()
    const failed = await Promise.all(
      publishers.map((publisher) =>
        this.#fromObject(publisher, now - freshFor / 2).then(
          () => undefined,
          () => publisher.publisher,
        ),
      ),
    )
    return failed.filter((name) => name !== undefined)
  }

  #read(publisher: Publisher): Promise<Kept> {
    const now = secondsNow()
    return this.#shelf(publisher).cell.read(now, () => this.#load(publisher, now))
  }

  async #load(publisher: Publisher, now: number): Promise<Aged<Kept>> {
    const copy = await readCopy(this.#env, publisher)
    if (copy === undefined || copy.fetchedAt + publisher.staleFor <= now)
      return this.#fromObject(publisher, now - freshFor)
    if (copy.fetchedAt + freshFor > now) return aged(publisher, copy)
    // Where the object cannot be asked, an old copy is better than none.
    return this.#fromObject(publisher, now - freshFor).catch(() => aged(publisher, copy))
  }

  async #fromObject(publisher: Publisher, notBefore: number): Promise<Aged<Kept>> {
    const objects = this.#env.ISSUER_OBJECTS as DurableObjectNamespace<IssuerObject>
    const stub = objects.getByName(publisher.documentsName)
    const given = await unwrap(stub.documents(publisher.publisher, notBefore))
    const documents = JSON.parse(given.documents) as ProviderDocuments
    // Old keys serve through an outage, up to the stated age and no longer.
    if (documents.fetchedAt + publisher.staleFor <= secondsNow())
      throw new Fault('provider_unreachable', `${publisher.publisher}: the keys are too old`)
    this.#shelf(publisher).quietUntil = given.askAgainAt
    return aged(publisher, documents)
  }

  #pinnedOf(issuer: Publisher, document: unknown): KeySet {
    const known = this.#pinned.get(issuer)
    if (known !== undefined) return known
    const keys = KeySet.parse(document, issuer.distrustedKeys)
    if (keys === undefined) throw new Fault('configuration', `${issuer.publisher}: too many keys`)
    this.#pinned.set(issuer, keys)
    return keys
  }

  #shelf({ publisher }: Publisher): Shelf {
    const shelf = this.#shelves.get(publisher) ?? new Shelf()
    this.#shelves.set(publisher, shelf)
    return shelf
  }
}

function aged(publisher: Publisher, documents: ProviderDocuments): Aged<Kept> {
  const keys = KeySet.parse(documents.jwks, publisher.distrustedKeys)
  if (keys === undefined) throw new Fault('storage_failed', 'a stored key set cannot be read')
  return {
    value: { documents, keys },
    freshUntil: documents.fetchedAt + freshFor,
    usableUntil: documents.fetchedAt + publisher.staleFor,
  }
}
