/**
 * One shard of the denylist: the authority on its marks. Rows in SQLite, each with a version that only grows; an
 * alarm drops what has run out. A call is answered when what it wrote is durable.
 */
import { DurableObject } from 'cloudflare:workers'
import { clockSkew, type Mark, type MarkTarget, nameOf, type NewMark } from '../revocation/mark.ts'
import { fingerprintOf, importFingerprintKey } from '../revocation/fingerprint.ts'
import { encodeSnapshot, type Entry, stampSnapshot } from '../revocation/snapshot.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'

/** What an isolate has already: additions to it may be cheaper than everything. */
export interface Known {
  readonly epoch: number
  readonly version: number
}

interface Row extends Record<string, SqlStorageValue> {
  readonly version: number
  readonly site: string
  readonly target: string
  readonly fingerprint: number
  readonly before: number
  readonly edge_until: number
  readonly until: number
  readonly reason: string
  readonly by: string
  readonly created_at: number
}

export class DenylistObject extends DurableObject<Environment> {
  readonly #sql = this.ctx.storage.sql
  #key: CryptoKey | undefined
  readonly #instance = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0
  /** The whole snapshot, until something changes. */
  #whole:
    | { readonly version: number; readonly epoch: number; readonly bytes: ArrayBuffer }
    | undefined

  constructor(ctx: DurableObjectState, env: Environment) {
    super(ctx, env)
    this.#sql.exec(`
      CREATE TABLE IF NOT EXISTS marks (
        version INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        site TEXT NOT NULL,
        target TEXT NOT NULL,
        fingerprint INTEGER NOT NULL,
        before INTEGER NOT NULL,
        edge_until INTEGER NOT NULL,
        until INTEGER NOT NULL,
        reason TEXT NOT NULL,
        "by" TEXT NOT NULL,
        created_at INTEGER NOT NULL
      );
      CREATE INDEX IF NOT EXISTS marks_until ON marks (until);
      CREATE TABLE IF NOT EXISTS seen (key TEXT PRIMARY KEY, until INTEGER NOT NULL) WITHOUT ROWID;
    `)
  }

  /** Adds marks, or moves those of the same name: times only grow. */
  async add(marks: readonly NewMark[]): Promise<void> {
    const prepared = await Promise.all(
      marks.map(async (mark) => ({ mark, ...(await this.#named(mark)) })),
    )
    const now = secondsNow()
    this.ctx.storage.transactionSync(() => {
      for (const { mark, name, fingerprint } of prepared) this.#put(mark, name, fingerprint, now)
    })
    await this.#wakeFor(now + Math.min(...marks.map(({ keepFor }) => keepFor)))
  }

  #put(mark: NewMark, name: string, fingerprint: number, now: number): void {
    const [known] = this.#sql.exec<Row>('DELETE FROM marks WHERE name = ? RETURNING *', name)
    const before = mark.before === 'now' ? now + clockSkew : mark.before
    this.#sql.exec(
      `INSERT INTO marks (name, site, target, fingerprint, before, edge_until, until, reason, "by", created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[name, mark.site, JSON.stringify(mark.target), fingerprint],
      Math.max(before, known?.before ?? 0),
      // What it ends may be presented until then, by a clock that is slow.
      Math.max(now + mark.edgeFor + 2 * clockSkew, known?.edge_until ?? 0),
      Math.max(now + mark.keepFor + 2 * clockSkew, known?.until ?? 0),
      ...[mark.reason, mark.by, now],
    )
  }

  /** Whether there was a mark of this name. */
  async remove(name: string): Promise<boolean> {
    const removed = this.#sql
      .exec('DELETE FROM marks WHERE name = ? RETURNING version', name)
      .toArray()
    if (removed.length === 0) return false
    // Isolates cannot take away: they begin anew.
    this.ctx.storage.kv.put('epoch', this.#epoch + 1)
    return true
  }

  async list(site: string): Promise<readonly Mark[]> {
    const rows = this.#sql.exec<Row>(
      'SELECT * FROM marks WHERE site = ? AND until > ? ORDER BY version DESC LIMIT 1000',
      ...[site, secondsNow()],
    )
    return [...rows].map(({ version, target, before, until, reason, by, created_at }) => ({
      version,
      site,
      target: JSON.parse(target) as MarkTarget,
      before,
      until,
      reason,
      by,
      createdAt: created_at,
    }))
  }

  /** The times of the marks on these names, in seconds; 0 where there is none. The authority's own word. */
  async befores(names: readonly string[]): Promise<readonly number[]> {
    const now = secondsNow()
    return names.map((name) => {
      const [row] = this.#sql.exec<Row>(
        'SELECT * FROM marks WHERE name = ? AND until > ?',
        name,
        now,
      )
      return row?.before ?? 0
    })
  }

  async wasSeen(key: string): Promise<boolean> {
    const query = 'SELECT key FROM seen WHERE key = ? AND until > ?'
    return this.#sql.exec(query, key, secondsNow()).toArray().length > 0
  }

  async see(key: string, keepFor: number): Promise<void> {
    const until = secondsNow() + keepFor
    this.#sql.exec('INSERT OR REPLACE INTO seen (key, until) VALUES (?, ?)', key, until)
    await this.#wakeFor(until)
  }

  /** The marks that count at the edge: what was added since, where that is known and less. */
  async snapshot(known: Known | undefined): Promise<ArrayBuffer> {
    const epoch = this.#epoch
    const version = this.#version
    const stamp = Date.now()
    const head = { epoch, version, stamp, instance: this.#instance, key: this.#secret }
    if (known?.epoch === epoch && known.version <= version) {
      if (known.version === version) return encodeSnapshot({ ...head, base: version }, [])
      const added = this.#entries('version > ?', known.version)
      return encodeSnapshot({ ...head, base: known.version }, added)
    }
    const whole = this.#whole
    if (whole?.version === version && whole.epoch === epoch) {
      stampSnapshot(whole.bytes, stamp)
      return whole.bytes
    }
    const bytes = encodeSnapshot({ ...head, base: -1 }, this.#entries('version > ?', 0))
    this.#whole = { version, epoch, bytes }
    return bytes
  }

  #entries(where: string, ...bindings: readonly number[]): readonly Entry[] {
    const rows = this.#sql.exec<Row>(
      `SELECT fingerprint, before FROM marks WHERE ${where} AND edge_until > ? ORDER BY fingerprint`,
      ...bindings,
      secondsNow(),
    )
    return rows.toArray()
  }

  override async alarm(): Promise<void> {
    const now = secondsNow()
    this.#sql.exec('DELETE FROM marks WHERE until <= ?', now)
    this.#sql.exec('DELETE FROM seen WHERE until <= ?', now)
    const [next] = this.#sql.exec<{ until: number | null }>('SELECT min(until) AS until FROM marks')
    if (next?.until !== null && next !== undefined)
      await this.ctx.storage.setAlarm(next.until * 1000)
  }

  /** One alarm: for the mark that runs out first. */
  async #wakeFor(until: number): Promise<void> {
    const set = await this.ctx.storage.getAlarm()
    // Not for each mark of a flood: a minute later is soon enough.
    const at = Math.max(until, secondsNow() + 60) * 1000
    if (set === null || set > at) await this.ctx.storage.setAlarm(at)
  }

  async #named(mark: NewMark): Promise<{ readonly name: string; readonly fingerprint: number }> {
    const name = nameOf(mark.site, mark.target)
    this.#key ??= await importFingerprintKey(this.#secret)
    return { name, fingerprint: await fingerprintOf(this.#key, name) }
  }

  /** Made once: fingerprints of this shard are made under it. */
  get #secret(): Uint8Array<ArrayBuffer> {
    const known = this.ctx.storage.kv.get<Uint8Array<ArrayBuffer>>('secret')
    if (known !== undefined) return known
    const secret = crypto.getRandomValues(new Uint8Array(32))
    this.ctx.storage.kv.put('secret', secret)
    return secret
  }

  get #epoch(): number {
    return this.ctx.storage.kv.get<number>('epoch') ?? 1
  }

  /** The newest version ever given, of a mark that may be gone. */
  get #version(): number {
    const [row] = this.#sql.exec<{ seq: number }>(
      "SELECT seq FROM sqlite_sequence WHERE name = 'marks'",
    )
    return row?.seq ?? 0
  }
}
