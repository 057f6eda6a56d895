/**
 * The record of one session in its object's storage: sealed, opened for the site that it belongs to and for no other.
 */
import type { Site } from '../config/config.ts'
import { atRest } from '../seal.ts'
import { refreshBy, type SessionRecord } from '../session/session.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'
import { sealOf } from './seal-keys.ts'

/** What storage holds: the record sealed, and which site's key opens it. */
interface Stored {
  readonly site: string
  readonly sealed: string
}

export class SessionStorage {
  readonly #storage: DurableObjectStorage
  readonly #env: Environment

  constructor(storage: DurableObjectStorage, env: Environment) {
    this.#storage = storage
    this.#env = env
  }

  /** The id of the site that the session belongs to. */
  get site(): string | undefined {
    return this.#storage.kv.get<Stored>('session')?.site
  }

  async load(site: Site): Promise<SessionRecord | undefined> {
    const stored = this.#storage.kv.get<Stored>('session')
    // attack: session-of-another-site
    if (stored === undefined || stored.site !== site.id) return undefined
    const seal = await sealOf(this.#env)
    const opened = await seal.open(site.id, 'session', stored.sealed, secondsNow())
    return opened.ok ? (opened.value as SessionRecord) : undefined
  }

  /** Until the session is over, unless something renews it before. */
  async store(site: Site, record: SessionRecord): Promise<void> {
    const seal = await sealOf(this.#env)
    const stored: Stored = {
      site: site.id,
      sealed: await seal.seal(site.id, 'session', record, atRest),
    }
    this.#storage.kv.put('session', stored)
    await this.#storage.setAlarm(refreshBy(record, site) * 1000)
  }

  async clear(): Promise<void> {
    await this.#storage.deleteAll()
  }
}
