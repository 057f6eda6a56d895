/**
 * A site's signing and published keys for this isolate, opened once and kept.
 */
import type { Site } from '../config/config.ts'
import { sha256 } from '../digest.ts'
import { Fault } from '../fault.ts'
import type { SigningKey } from '../keys/assertion.ts'
import type { PublishedKeys } from '../keys/published.ts'
import { openSigningKey, type SigningKeys, type StoredKey } from '../keys/signing-key.ts'
import type { Seal } from '../seal.ts'
import { unwrap } from './answered.ts'
import { type Aged, Cell } from './cell.ts'
import { secondsNow } from './clock.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'
import type { KeyObject } from './key-object.ts'

const freshFor = 300
const usableFor = 3600

interface Kept {
  readonly signing: SigningKey
  readonly keys: readonly StoredKey[]
  readonly etag: string
}

export class SiteKeys implements SigningKeys, PublishedKeys {
  readonly #env: Environment
  readonly #seal: Seal
  readonly #cells = new Map<string, Cell<Kept>>()

  constructor(env: Environment, seal: Seal) {
    this.#env = env
    this.#seal = seal
  }

  async current(site: Site): Promise<SigningKey> {
    return (await this.#read(site)).signing
  }

  async document(site: Site): ReturnType<PublishedKeys['document']> {
    const { keys, etag } = await this.#read(site)
    return { keys: keys.map(({ publicJwk }) => publicJwk), etag }
  }

  #read(site: Site): Promise<Kept> {
    const cell = this.#cells.get(site.id) ?? new Cell<Kept>()
    this.#cells.set(site.id, cell)
    const now = secondsNow()
    return cell.read(now, () => this.#load(site, now))
  }

  async #load(site: Site, now: number): Promise<Aged<Kept>> {
    const objects = this.#env.KEY_OBJECTS as DurableObjectNamespace<KeyObject>
    const stub = objects.getByName(site.id)
    let keys = await unwrap(stub.keys(site.id))
    let signing = await this.#open(site, keys, now)
    if (signing === undefined && keys[0] !== undefined) {
      // Every seal key that could open it was dropped from SEAL_KEYS.
      consoleLog('warn', 'signing_key.replaced', { site: site.id, kid: keys[0].kid })
      keys = await unwrap(stub.replace(site.id, keys[0].kid))
      signing = await this.#open(site, keys, now)
    }
    if (signing === undefined)
      throw new Fault('storage_failed', `the signing key of ${site.id} cannot be opened`)
    const etag = `"${await sha256(keys.map(({ kid }) => kid).join(' '))}"`
    return {
      value: { signing, keys, etag },
      freshUntil: now + freshFor,
      usableUntil: now + usableFor,
    }
  }

  async #open(
    site: Site,
    keys: readonly StoredKey[],
    now: number,
  ): Promise<SigningKey | undefined> {
    return keys[0] === undefined ? undefined : openSigningKey(site.id, this.#seal, keys[0], now)
  }
}
