/**
 * The denylist for this isolate: a snapshot of each shard, renewed behind the answers, waited for past the bound.
 *
 * Age is counted on this isolate's own clock, from before the authority was asked: whatever it answers was true
 * then or later. A copy of the location is dated by the authority's stamp, turned into this clock's time by what this
 * isolate itself saw of that clock. So no clock has to be right. attack: stale-denylist
 */
import { waitUntil } from 'cloudflare:workers'
import type { RevocationPolicy } from '../config/route.ts'
import { Fault } from '../fault.ts'
import {
  ends,
  type Mark,
  nameOf,
  type NewMark,
  type Revocable,
  shardOf,
} from '../revocation/mark.ts'
import type { Revocations } from '../revocation/revocations.ts'
import { fingerprintOf, importFingerprintKey } from '../revocation/fingerprint.ts'
import {
  beforeOf,
  decodeSnapshot,
  type Delivered,
  merge,
  type Snapshot,
} from '../revocation/snapshot.ts'
import { TimedCache } from '../timed-cache.ts'
import { consoleLog } from './console-log.ts'
import type { DenylistObject } from './denylist-object.ts'
import type { Environment } from './environment.ts'
import { askAuthority, shardNames } from './denylist-authority.ts'
import { readSnapshotCopy, type Since, writeSnapshotCopy } from './snapshot-copies.ts'
import { within } from './within.ts'

/** Milliseconds that a request waits for the authority. */
const patience = 2000
/** After a failure the authority is left alone for so long. */
const failurePause = 1000
/** A renewal that has not ended by then is taken for lost. */
const lease = 3000
/** Everything is loaded anew after so long: additions alone would keep what has run out. */
const wholeEvery = 900_000

interface Held {
  readonly snapshot: Snapshot
  readonly key: CryptoKey
  /** Milliseconds, by this isolate's clock: all that was acknowledged before then is in it. */
  readonly askedAt: number
  readonly wholeSince: number
}

/** How the clock of a running authority stands to ours: ahead of it by so many milliseconds at most. */
interface Clock {
  readonly instance: number
  readonly ahead: number
}

/** What this isolate knows of one shard. */
class Shard {
  held: Held | undefined
  clock: Clock | undefined
  leaseUntil = 0
  quietUntil = 0
  readonly fingerprints = new TimedCache<number>(20_000)
}

export class Denylist implements Revocations {
  readonly #env: Environment
  readonly #names: readonly string[]
  readonly #shards: readonly Shard[]

  constructor(env: Environment) {
    this.#env = env
    this.#names = shardNames(env)
    this.#shards = this.#names.map(() => new Shard())
  }

  async isRevoked(what: Revocable, policy: RevocationPolicy): Promise<boolean> {
    if (policy.strict) {
      const befores = await askAuthority(this.#env, what.names)
      return befores.some((before) => ends(before, what.issuedAt))
    }
    // Nothing is marked, the usual day: no name need be made.
    const bound = policy.bound * 1000
    if (this.#shards.every((shard, index) => isEmpty(this.#young(index, shard, bound))))
      return false
    for (const name of what.names) {
      const index = shardOf(name, this.#shards.length)
      const before = await this.#look(index, name, policy.bound)
      if (before === undefined) {
        // attack: denylist-fails-open
        if (policy.whenUnsure === 'open') continue
        throw new Fault('revocation_unknown', 'the denylist does not answer')
      }
      if (ends(before, what.issuedAt)) return true
    }
    return false
  }

  async catchUp(): Promise<void> {
    await Promise.all(
      this.#shards.map((_, index) => this.#load(index).catch(() => this.#forget(index))),
    )
  }

  async add(marks: readonly NewMark[]): Promise<void> {
    const byShard = Map.groupBy(marks, (mark) =>
      shardOf(nameOf(mark.site, mark.target), this.#shards.length),
    )
    await Promise.all(
      [...byShard].map(async ([index, ours]) => {
        await answeredInTime(this.#stub(index).add(ours))
        // Whoever revokes sees it at once.
        await this.#load(index).catch(() => this.#forget(index))
      }),
    )
  }

  async list(site: string): Promise<readonly Mark[]> {
    const lists = await Promise.all(
      this.#shards.map((_, index) => answeredInTime(this.#stub(index).list(site))),
    )
    return lists.flat().toSorted((a, b) => b.createdAt - a.createdAt || b.version - a.version)
  }

  async remove(site: string, target: Mark['target']): Promise<boolean> {
    const name = nameOf(site, target)
    const index = shardOf(name, this.#shards.length)
    const removed = await answeredInTime(this.#stub(index).remove(name))
    await this.#load(index).catch(() => this.#forget(index))
    return removed
  }

  async wasSeen(key: string): Promise<boolean> {
    return answeredInTime(this.#stub(shardOf(key, this.#shards.length)).wasSeen(key))
  }

  async see(key: string, keepFor: number): Promise<void> {
    await answeredInTime(this.#stub(shardOf(key, this.#shards.length)).see(key, keepFor))
  }

  age(): number | undefined {
    const held = this.#shards.flatMap((shard) => shard.held?.askedAt ?? [])
    return held.length === 0 ? undefined : Date.now() - Math.min(...held)
  }

  /** The time of the name's mark, by knowledge no older than `bound` seconds; `undefined` where there is none. */
  async #look(index: number, name: string, bound: number): Promise<number | undefined> {
    const shard = this.#shards[index]
    const held = shard === undefined ? undefined : await this.#current(index, shard, bound * 1000)
    if (shard === undefined || held === undefined) return undefined
    // Nothing is marked: the usual day.
    if (held.snapshot.fingerprints.length === 0) return 0
    const known = shard.fingerprints.get(name, 0)
    const fingerprint = known ?? (await fingerprintOf(held.key, name))
    // Not under a key that was replaced meanwhile.
    if (known === undefined && shard.held?.key === held.key)
      shard.fingerprints.set(name, fingerprint, Infinity)
    return beforeOf(held.snapshot, fingerprint)
  }

  async #current(index: number, shard: Shard, bound: number): Promise<Held | undefined> {
    const young = this.#young(index, shard, bound)
    if (young !== undefined) return young
    if (Date.now() < shard.quietUntil) return undefined
    return this.#load(index, bound).catch(() => undefined)
  }

  /** What is known, if it is within the bound (milliseconds); from half of it on it is renewed behind the answer. */
  #young(index: number, shard: Shard, bound: number): Held | undefined {
    const now = Date.now()
    const age = shard.held === undefined ? Infinity : now - shard.held.askedAt
    if (age < 0 || age > bound) return undefined
    if (age > bound / 2 && now >= shard.leaseUntil && now >= shard.quietUntil) {
      shard.leaseUntil = now + lease
      waitUntil(this.#load(index, bound).catch(() => undefined))
    }
    return shard.held
  }

  /**
   * Each request loads for itself: values are shared between requests, promises never. With a `bound` (milliseconds)
   * a copy of the location may serve.
   */
  async #load(index: number, bound?: number): Promise<Held> {
    const shard = this.#shards[index] ?? new Shard()
    const askedAt = Date.now()
    const known = shard.held
    const anew = known === undefined || askedAt - known.wholeSince > wholeEvery
    const since = anew
      ? undefined
      : { epoch: known.snapshot.epoch, version: known.snapshot.version }
    try {
      const copy = bound === undefined ? undefined : await this.#copy(index, shard, since, bound)
      const delivered = copy?.delivered ?? (await this.#fetch(index, shard, since, askedAt))
      const snapshot = merge(known?.snapshot, delivered)
      if (snapshot === undefined)
        throw new Fault('revocation_unknown', 'a snapshot does not fit to what is known')
      const sameKey = known !== undefined && equalBytes(known.snapshot.key, snapshot.key)
      if (!sameKey) shard.fingerprints.clear()
      const held: Held = {
        snapshot,
        key: sameKey ? known.key : await importFingerprintKey(snapshot.key),
        askedAt: copy?.askedAt ?? askedAt,
        wholeSince: delivered.base === -1 ? askedAt : (known?.wholeSince ?? askedAt),
      }
      // Of two that overlap the one that was asked for later stays.
      if (shard.held === undefined || shard.held.askedAt <= held.askedAt) shard.held = held
      return held
    } catch (error) {
      shard.quietUntil = askedAt + failurePause
      consoleLog('warn', 'denylist.not_renewed', { shard: this.#names[index] })
      throw error
    } finally {
      shard.leaseUntil = 0
    }
  }

  async #fetch(index: number, shard: Shard, since: Since, askedAt: number): Promise<Delivered> {
    const bytes = await within(patience, this.#stub(index).snapshot(since))
    const delivered = decodeSnapshot(bytes)
    if (delivered === undefined) throw new Fault('revocation_unknown', 'a snapshot cannot be read')
    // The stamp was made after we asked: their clock is ahead by this much or less.
    shard.clock = { instance: delivered.instance, ahead: delivered.stamp - askedAt }
    waitUntil(writeSnapshotCopy(this.#names[index] ?? '', since, bytes))
    return delivered
  }

  /** What another isolate of this location fetched, if it is young and its stamp is of a clock that we know. */
  async #copy(
    index: number,
    { clock }: Shard,
    since: Since,
    bound: number,
  ): Promise<{ readonly delivered: Delivered; readonly askedAt: number } | undefined> {
    if (clock === undefined) return undefined
    const bytes = await readSnapshotCopy(this.#names[index] ?? '', since)
    const delivered = bytes === undefined ? undefined : decodeSnapshot(bytes)
    if (delivered === undefined || delivered.instance !== clock.instance) return undefined
    const askedAt = delivered.stamp - clock.ahead
    const age = Date.now() - askedAt
    return age >= 0 && age <= bound / 4 ? { delivered, askedAt } : undefined
  }

  #forget(index: number): void {
    const shard = this.#shards[index]
    if (shard !== undefined) shard.held = undefined
  }

  /** A stub belongs to the request that made it. */
  #stub(index: number): DurableObjectStub<DenylistObject> {
    const objects = this.#env.DENYLIST_OBJECTS as DurableObjectNamespace<DenylistObject>
    return objects.getByName(this.#names[index] ?? '')
  }
}

function isEmpty(held: Held | undefined): boolean {
  return held?.snapshot.fingerprints.length === 0
}

async function answeredInTime<T>(call: Promise<T>): Promise<T> {
  try {
    return await within(patience, call)
  } catch (cause) {
    throw new Fault('storage_failed', 'the denylist does not answer', { cause })
  }
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i])
}
