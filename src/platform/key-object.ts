/**
 * One object per site: its key ring, private keys sealed. Whatever is due is done when somebody asks, and by alarm where
 * nobody does; `keys/ring.ts` says what is due.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { passesCanary } from '../keys/canary.ts'
import type { RolledOver } from '../keys/key-rings.ts'
import {
  dueOf,
  keysOf,
  promotableAt,
  promote,
  publishedKeys,
  type Ring,
  ringOf,
  rollOver,
  startRing,
  wakeAt,
  withNext,
  withoutKey,
  withoutRetired,
  withOverlap,
} from '../keys/ring.ts'
import {
  generateSigningKey,
  openSigningKey,
  resealSigningKey,
  type StoredKey,
} from '../keys/signing-key.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'
import { Mutex } from './mutex.ts'
import { sealOf } from './seal-keys.ts'

export class KeyObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()
  /** Keys of which this object has seen that the newest seal key opens them. */
  readonly #sealed = new Set<string>()
  #wakesAt: number | undefined

  /** The ring as it is now. */
  ring(siteId: string): Promise<Answered<Ring>> {
    return this.#alone(siteId, (site) => this.#tend(site))
  }

  /** `rotation_too_early`, with the time, where a copy of the set may lack the next key. */
  rotate(siteId: string): Promise<Answered<Result<Ring>>> {
    return this.#alone(siteId, async (site) => {
      const ring = await this.#tend(site)
      const now = secondsNow()
      const isEarly = now < promotableAt(ring)
      const rotated = isEarly ? ring : await this.#promote(site, ring, now)
      this.#store(site, ring, rotated)
      const tended = await this.#tend(site)
      // A key that failed its canary is not promoted; the one that took its place has to be known first.
      return rotated.active.kid === ring.active.kid
        ? deny({ reason: 'rotation_too_early', from: promotableAt(tended) })
        : accept(tended)
    })
  }

  /** Distrusts a key; the active one, where none is named. */
  rollOver(siteId: string, kid: string | undefined): Promise<Answered<Result<RolledOver>>> {
    return this.#alone(siteId, async (site) => {
      const ring = await this.#tend(site)
      const now = secondsNow()
      const distrusted = kid ?? ring.active.kid
      if (!keysOf(ring).some((key) => key.kid === distrusted))
        return deny({ reason: 'signing_key_unknown' })
      const rolled =
        distrusted === ring.active.kid
          ? rollOver(ring, await this.#successor(site, ring, now), now)
          : withoutKey(ring, distrusted)
      this.#store(site, ring, rolled)
      return accept({ distrusted, ring: await this.#tend(site), at: now })
    })
  }

  /** A site that left the configuration sleeps: whoever asks for it again wakes it. */
  override async alarm(): Promise<void> {
    this.#wakesAt = undefined
    const siteId = this.ctx.storage.kv.get<string>('site')
    const site = configurationOf(this.env).sites.find(({ id }) => id === siteId)
    if (site !== undefined) await this.#mutex.run(() => this.#tend(site))
  }

  #alone<T>(siteId: string, work: (site: Site) => Promise<T>): Promise<Answered<T>> {
    return answered(() =>
      this.#mutex.run(async () => {
        const site = configurationOf(this.env).sites.find(({ id }) => id === siteId)
        if (site === undefined) throw new Fault('configuration', `there is no site ${siteId}`)
        return work(site)
      }),
    )
  }

  /** Does what is due. */
  async #tend(site: Site): Promise<Ring> {
    const now = secondsNow()
    const policy = site.assertion
    const stored = this.ctx.storage.kv.get<Ring>('ring') ?? this.#before(site, now)
    let ring = stored ?? startRing(await this.#make(site, now), policy.overlap, now)
    ring = withoutRetired(withOverlap(ring, policy.overlap, now), now)
    ring = await this.#sealAnew(site, ring, now)
    for (let due = dueOf(ring, policy, now); due !== undefined; due = dueOf(ring, policy, now)) {
      ring =
        due === 'make'
          ? withNext(ring, await this.#make(site, now))
          : await this.#promote(site, ring, now)
    }
    this.#store(site, stored, ring)
    const at = wakeAt(ring, policy)
    if (this.#wakesAt !== at) await this.ctx.storage.setAlarm(at * 1000)
    this.#wakesAt = at
    return ring
  }

  /** What the object kept before there were rings. */
  #before(site: Site, now: number): Ring | undefined {
    const keys = this.ctx.storage.kv.get<readonly StoredKey[]>('keys') ?? []
    return ringOf(keys, site.assertion.overlap, now)
  }

  async #make(site: Site, now: number): Promise<StoredKey> {
    const { algorithm } = site.assertion
    const key = await generateSigningKey(site.id, algorithm, await sealOf(this.env), now)
    this.#sealed.add(key.kid)
    return key
  }

  /** The next key signs, if it passes its canary; else it is gone, and the active one goes on. */
  async #promote(site: Site, ring: Ring, now: number): Promise<Ring> {
    if (ring.next === undefined) return ring
    return (await this.#isFit(site, ring.next, ring, now))
      ? promote(ring, now)
      : withoutKey(ring, ring.next.kid)
  }

  /** Who signs when the active key must not: the next one, or a new one where that is unfit. */
  async #successor(site: Site, ring: Ring, now: number): Promise<StoredKey> {
    if (ring.next !== undefined && (await this.#isFit(site, ring.next, ring, now))) return ring.next
    const made = await this.#make(site, now)
    if (await this.#isFit(site, made, withNext(ring, made), now)) return made
    throw new Fault('internal', 'no new signing key passes its canary')
  }

  async #isFit(site: Site, key: StoredKey, ring: Ring, now: number): Promise<boolean> {
    const signer = await openSigningKey(site.id, await sealOf(this.env), key, now)
    const isFit = signer !== undefined && (await passesCanary(signer, publishedKeys(ring), now))
    if (!isFit) consoleLog('error', 'signing_key.canary_failed', { site: site.id, kid: key.kid })
    return isFit
  }

  /**
   * Every key under the newest seal key. What none opens was sealed by one that was dropped, because it leaked or was
   * lost: such a key is trusted no more.
   */
  async #sealAnew(site: Site, ring: Ring, now: number): Promise<Ring> {
    const keys = keysOf(ring)
    if (keys.every(({ kid }) => this.#sealed.has(kid))) return ring
    const seal = await sealOf(this.env)
    const reseal = <T extends StoredKey>(key: T) => resealSigningKey(site.id, seal, key, now)
    const next = ring.next === undefined ? undefined : await reseal(ring.next)
    const active = await reseal(ring.active)
    const retiring = (await Promise.all(ring.retiring.map(reseal))).filter(
      (key) => key !== undefined,
    )
    const others: Ring = { ...ring, next, retiring }
    if (active === undefined)
      consoleLog('warn', 'signing_key.replaced', { site: site.id, kid: ring.active.kid })
    const sealed =
      active === undefined
        ? rollOver(others, await this.#successor(site, others, now), now)
        : { ...others, active }
    for (const { kid } of keysOf(sealed)) this.#sealed.add(kid)
    return sealed
  }

  /** One write; what changed is in the log. */
  #store(site: Site, before: Ring | undefined, after: Ring): void {
    if (before === after) return
    this.ctx.storage.kv.put('site', site.id)
    this.ctx.storage.kv.put('ring', after)
    this.ctx.storage.kv.delete('keys')
    reportChanges(site.id, before, after)
  }
}

function reportChanges(site: string, before: Ring | undefined, after: Ring): void {
  const kidsBefore = new Set(before === undefined ? [] : keysOf(before).map(({ kid }) => kid))
  const kidsAfter = new Set(keysOf(after).map(({ kid }) => kid))
  for (const { kid, alg } of keysOf(after))
    if (!kidsBefore.has(kid)) consoleLog('info', 'signing_key.appeared', { site, kid, alg })
  if (before?.active.kid !== after.active.kid)
    consoleLog('info', 'signing_key.active', { site, kid: after.active.kid, alg: after.active.alg })
  for (const kid of kidsBefore.difference(kidsAfter))
    consoleLog('info', 'signing_key.gone', { site, kid })
}
