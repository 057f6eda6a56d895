/**
 * Copies of snapshots in the cache of this location, so that its isolates cost the authority one call between them.
 * Nothing depends on them: where there is no cache, or it forgets, the authority is asked.
 *
 * Not reachable from outside: the address is of no host that anybody serves.
 */

/** Seconds that the location keeps one: short, so that what is found is young. */
const keptFor = 2

/** What was asked for: additions to a version, or everything. */
export type Since = { readonly epoch: number; readonly version: number } | undefined

/** `undefined` where there is none, or the cache fails. */
export async function readSnapshotCopy(
  shard: string,
  since: Since,
): Promise<ArrayBuffer | undefined> {
  try {
    const found = await caches.default.match(snapshotAddress(shard, since))
    return await found?.arrayBuffer()
  } catch {
    return undefined
  }
}

/** Never rejects. */
export async function writeSnapshotCopy(
  shard: string,
  since: Since,
  bytes: ArrayBuffer,
): Promise<void> {
  const headers = { 'cache-control': `public, s-maxage=${String(keptFor)}` }
  try {
    await caches.default.put(snapshotAddress(shard, since), new Response(bytes, { headers }))
  } catch {
    // Without a copy every isolate asks for itself.
  }
}

/** Of no site: every shard holds marks of all, by fingerprints of names that begin with the site. */
export function snapshotAddress(shard: string, since: Since): string {
  const known = since === undefined ? 'whole' : `${String(since.epoch)}/${String(since.version)}`
  return `https://denylist.sallyport.invalid/${shard}/${known}`
}
