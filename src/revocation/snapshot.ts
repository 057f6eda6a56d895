/**
 * What an isolate knows of one shard's marks: fingerprints and times, in a form that crosses the network as bytes
 * and is looked up by halving. Names stay with the authority.
 *
 * Layout, little endian: format (uint32), count (uint32), epoch, version, base, stamp, instance (float64 each), key (32
 * bytes), fingerprints (float64 each, ascending), times (uint32 each). `base` is the version that the marks are
 * additions to, or -1 where they are all.
 */

/** Of a shard. Only `decodeSnapshot` and `merge` make one. */
export interface Snapshot {
  /** Another epoch is another history: something was removed. */
  readonly epoch: number
  /** Every mark up to this one is in it. */
  readonly version: number
  /** Under which fingerprints are made: the shard's own secret. */
  readonly key: Uint8Array<ArrayBuffer>
  /** Ascending. */
  readonly fingerprints: Float64Array
  /** Seconds, by the same place. */
  readonly befores: Uint32Array
}

/** A snapshot, or what has to be added to one. */
export interface Delivered extends Snapshot {
  readonly base: number
  /** Milliseconds, by the authority's clock: all that was acknowledged before is in it. */
  readonly stamp: number
  /** Which running authority wrote it: two stamps of one are of one clock. */
  readonly instance: number
}

const format = 1
const head = 80

export interface Entry {
  readonly fingerprint: number
  readonly before: number
}

/** `entries` in ascending order of fingerprints. */
export function encodeSnapshot(
  { epoch, version, base, stamp, instance, key }: Omit<Delivered, 'fingerprints' | 'befores'>,
  entries: readonly Entry[],
): ArrayBuffer {
  const count = entries.length
  const bytes = new ArrayBuffer(head + count * 12)
  const view = new DataView(bytes)
  view.setUint32(0, format, true)
  view.setUint32(4, count, true)
  view.setFloat64(8, epoch, true)
  view.setFloat64(16, version, true)
  view.setFloat64(24, base, true)
  view.setFloat64(40, instance, true)
  new Uint8Array(bytes, 48, 32).set(key)
  stampSnapshot(bytes, stamp)
  const fingerprints = new Float64Array(bytes, head, count)
  const befores = new Uint32Array(bytes, head + count * 8, count)
  for (const [i, entry] of entries.entries()) {
    fingerprints[i] = entry.fingerprint
    befores[i] = entry.before
  }
  return bytes
}

/** Says that the bytes are still true. `stamp` in milliseconds. */
export function stampSnapshot(bytes: ArrayBuffer, stamp: number): void {
  new DataView(bytes).setFloat64(32, stamp, true)
}

/** `undefined` where the bytes are not of this format. */
export function decodeSnapshot(bytes: ArrayBuffer): Delivered | undefined {
  if (bytes.byteLength < head) return undefined
  const view = new DataView(bytes)
  const count = view.getUint32(4, true)
  if (view.getUint32(0, true) !== format || bytes.byteLength !== head + count * 12) return undefined
  return {
    epoch: view.getFloat64(8, true),
    version: view.getFloat64(16, true),
    base: view.getFloat64(24, true),
    stamp: view.getFloat64(32, true),
    instance: view.getFloat64(40, true),
    key: new Uint8Array(bytes.slice(48, 80)),
    fingerprints: new Float64Array(bytes, head, count),
    befores: new Uint32Array(bytes, head + count * 8, count),
  }
}

/** What is known after a delivery; `undefined` where the additions do not fit to what is known. */
export function merge(known: Snapshot | undefined, delivered: Delivered): Snapshot | undefined {
  if (delivered.base === -1) return delivered
  if (known === undefined || known.epoch !== delivered.epoch || known.version < delivered.base)
    return undefined
  if (delivered.fingerprints.length === 0)
    return { ...known, version: Math.max(known.version, delivered.version) }
  return { ...delivered, ...merged(known, delivered) }
}

/** Both ascending lists as one; of a fingerprint in both the later time holds. */
function merged(a: Snapshot, b: Snapshot): Pick<Snapshot, 'fingerprints' | 'befores'> {
  const most = a.fingerprints.length + b.fingerprints.length
  const fingerprints = new Float64Array(most)
  const befores = new Uint32Array(most)
  let [i, j, count] = [0, 0, 0]
  while (i < a.fingerprints.length || j < b.fingerprints.length) {
    const left = a.fingerprints[i] ?? Infinity
    const right = b.fingerprints[j] ?? Infinity
    fingerprints[count] = Math.min(left, right)
    befores[count] = Math.max(
      left <= right ? (a.befores[i] ?? 0) : 0,
      right <= left ? (b.befores[j] ?? 0) : 0,
    )
    if (left <= right) i += 1
    if (right <= left) j += 1
    count += 1
  }
  return { fingerprints: fingerprints.subarray(0, count), befores: befores.subarray(0, count) }
}

/** The time of the mark with this fingerprint, in seconds; 0 where there is none. */
export function beforeOf({ fingerprints, befores }: Snapshot, fingerprint: number): number {
  let [low, high] = [0, fingerprints.length - 1]
  while (low <= high) {
    const middle = (low + high) >>> 1
    const found = fingerprints[middle] ?? 0
    if (found === fingerprint) return befores[middle] ?? 0
    if (found < fingerprint) low = middle + 1
    else high = middle - 1
  }
  return 0
}
