/**
 * A site's key ring for this isolate: who signs, what is published. Renewed behind the answers past half of
 * `assertion.keys_bound`, waited for past the whole: nothing is signed or published by older knowledge. Age is counted on
 * this isolate's own clock, from before the object was asked.
 */
import type { Site } from '../config/config.ts'
import type { SiteCustody } from '../config/custody.ts'
import type { Result } from '../denial.ts'
import { sha256 } from '../digest.ts'
import { Fault } from '../fault.ts'
import { custodianOf } from '../keys/custody/custodian-of.ts'
import type { KeyRings, RolledOver } from '../keys/key-rings.ts'
import type { PublishedKeys } from '../keys/published.ts'
import { publishedKeys, type Ring } from '../keys/ring.ts'
import type { Signer, SigningKeys } from '../keys/signer.ts'
import { openSigningKey, type StoredKey } from '../keys/signing-key.ts'
import type { Seal } from '../seal.ts'
import { type Answered, unwrap } from './answered.ts'
import { type Aged, Cell } from './cell.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'
import type { KeyObject } from './key-object.ts'
import { custodyOutbound } from './outbound.ts'
import { within } from './within.ts'

/** Milliseconds that a request waits for the object. */
const patience = 5000

interface Kept {
  readonly signer: Signer
  readonly document: Awaited<ReturnType<PublishedKeys['document']>>
}

export class SiteKeys implements SigningKeys, PublishedKeys, KeyRings {
  readonly #env: Environment
  readonly #seal: Seal
  readonly #cells = new Map<string, Cell<Kept>>()

  constructor(env: Environment, seal: Seal) {
    this.#env = env
    this.#seal = seal
  }

  async current(site: Site): Promise<Signer> {
    return (await this.#read(site)).signer
  }

  async document(site: Site): ReturnType<PublishedKeys['document']> {
    return (await this.#read(site)).document
  }

  show(site: Site): Promise<Ring> {
    return this.#ask((object) => object.ring(site.id), site)
  }

  async rotate(site: Site): Promise<Result<Ring>> {
    const rotated = await this.#ask((object) => object.rotate(site.id), site)
    this.#forget(site)
    return rotated
  }

  async rollOver(site: Site, kid: string | undefined): Promise<Result<RolledOver>> {
    const rolled = await this.#ask((object) => object.rollOver(site.id, kid), site)
    this.#forget(site)
    return rolled
  }

  #read(site: Site): Promise<Kept> {
    const cell = this.#cells.get(site.id) ?? new Cell<Kept>()
    this.#cells.set(site.id, cell)
    const now = secondsNow()
    return cell.read(now, () => this.#load(site, cell.peek(), now))
  }

  async #load(site: Site, known: Kept | undefined, now: number): Promise<Aged<Kept>> {
    const { custody } = site.assertion
    if (custody !== undefined) return loadFromCustody(custody)
    const ring = await this.show(site)
    const keys = publishedKeys(ring)
    const signer =
      known?.signer.kid === ring.active.kid
        ? known.signer
        : await this.#signerOf(site, ring.active, now)
    const { keysBound } = site.assertion
    return {
      value: { signer, document: await documentOf(keys) },
      freshUntil: now + Math.floor(keysBound / 2),
      // attack: distrusted-key-signs-on
      usableUntil: now + keysBound,
    }
  }

  /** Who signs with a key of the ring: here, one that this isolate opens. */
  async #signerOf(site: Site, key: StoredKey, now: number): Promise<Signer> {
    const signer = await openSigningKey(site.id, this.#seal, key, now)
    if (signer === undefined)
      throw new Fault('storage_failed', `the signing key of ${site.id} cannot be opened`)
    return signer
  }

  /** What an operator changed is seen here by the next request. */
  #forget(site: Site): void {
    this.#cells.delete(site.id)
  }

  /** A stub belongs to the request that made it. */
  #ask<T>(
    ask: (object: DurableObjectStub<KeyObject>) => Promise<Answered<T>>,
    { id }: Site,
  ): Promise<T> {
    const objects = this.#env.KEY_OBJECTS as DurableObjectNamespace<KeyObject>
    return unwrap(within(patience, ask(objects.getByName(id))))
  }
}

/**
 * By the names of the configuration, each of which is one version of one key for ever: what was read once holds until
 * another configuration is deployed, and isolates begin anew with that.
 */
async function loadFromCustody(custody: SiteCustody): Promise<Aged<Kept>> {
  const custodian = custodianOf(custody, { outbound: custodyOutbound, now: secondsNow })
  const keys = await custodian.keys()
  const [signing] = keys
  if (signing === undefined) throw new Fault('custody_refused', `${custody.sign} is no key`)
  const document = await documentOf(keys.map(({ publicJwk }) => publicJwk))
  const value = { signer: custodian.signer(signing), document }
  return { value, freshUntil: Infinity, usableUntil: Infinity }
}

async function documentOf(keys: Kept['document']['keys']): Promise<Kept['document']> {
  return { keys, etag: `"${await sha256(JSON.stringify(keys))}"` }
}
