/**
 * A provider's documents for this isolate: isolate → KV → the issuer's object → the provider.
 */
import type { Provider } from '../config/config.ts'
import type {
  ProviderDirectory,
  ProviderDocuments,
  ProviderMetadata,
} from '../oidc/provider-documents.ts'
import { Fault } from '../fault.ts'
import { KeySet } from '../token/key-set.ts'
import { unwrap } from './answered.ts'
import { type Aged, Cell } from './cell.ts'
import { secondsNow } from './clock.ts'
import { readCopy } from './document-copies.ts'
import type { Environment } from './environment.ts'
import type { IssuerObject } from './issuer-object.ts'

/** Seconds after which documents are fetched again, behind the answers. */
const freshFor = 600
/** Seconds for which documents serve through an outage of the provider. */
const usableFor = 86_400

interface Kept {
  readonly documents: ProviderDocuments
  readonly keys: KeySet
}

export class IssuerDocuments implements ProviderDirectory {
  readonly #env: Environment
  /** By issuer and provider id: bounded by the configuration. */
  readonly #cells = new Map<string, Cell<Kept>>()

  constructor(env: Environment) {
    this.#env = env
  }

  async metadata(provider: Provider): Promise<ProviderMetadata> {
    return (await this.#read(provider)).documents.metadata
  }

  async keys(provider: Provider, kid: string | undefined): Promise<KeySet> {
    const kept = await this.#read(provider)
    if (kid === undefined || kept.keys.has(kid)) return kept.keys
    // A key we have not seen: the object decides whether the provider is asked. attack: unknown-kid-flood
    const now = secondsNow()
    return (await this.#cell(provider).renew(() => this.#fromObject(provider, now))).value.keys
  }

  #read(provider: Provider): Promise<Kept> {
    const now = secondsNow()
    return this.#cell(provider).read(now, () => this.#load(provider, now))
  }

  async #load(provider: Provider, now: number): Promise<Aged<Kept>> {
    const copy = await readCopy(this.#env, provider.issuer)
    if (copy !== undefined && copy.fetchedAt + freshFor > now) return aged(copy)
    return this.#fromObject(provider, now - freshFor)
  }

  async #fromObject(provider: Provider, notBefore: number): Promise<Aged<Kept>> {
    const objects = this.#env.ISSUER_OBJECTS as DurableObjectNamespace<IssuerObject>
    const stub = objects.getByName(provider.issuer)
    return aged(
      JSON.parse(await unwrap(stub.documents(provider.id, notBefore))) as ProviderDocuments,
    )
  }

  #cell(provider: Provider): Cell<Kept> {
    const name = `${provider.issuer} ${provider.id}`
    const cell = this.#cells.get(name) ?? new Cell<Kept>()
    this.#cells.set(name, cell)
    return cell
  }
}

function aged(documents: ProviderDocuments): Aged<Kept> {
  const keys = KeySet.parse(documents.jwks)
  if (keys === undefined) throw new Fault('storage_failed', 'a stored key set cannot be read')
  return {
    value: { documents, keys },
    freshUntil: documents.fetchedAt + freshFor,
    usableUntil: documents.fetchedAt + usableFor,
  }
}
