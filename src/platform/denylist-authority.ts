/**
 * The denylist's authority, for objects that ask it directly: a session that is made or renewed.
 */
import { Fault } from '../fault.ts'
import { type NewMark, nameOf, shardOf } from '../revocation/mark.ts'
import { configurationOf } from './configuration.ts'
import type { DenylistObject } from './denylist-object.ts'
import type { Environment } from './environment.ts'
import { within } from './within.ts'

/** Milliseconds. */
const patience = 2000

/** The names of the shards; their number is configuration, and part of the names. */
export function shardNames(env: Environment): readonly string[] {
  const { shards } = configurationOf(env).revocation
  return Array.from({ length: shards }, (_, i) => `marks/1/${String(i)}/${String(shards)}`)
}

/**
 * The times of the marks on these names, in seconds; none for those without a mark. One call for each shard that
 * they belong to. Throws `Fault` where it does not answer.
 */
export async function askAuthority(
  env: Environment,
  names: readonly string[],
): Promise<readonly number[]> {
  const shards = shardNames(env)
  const byShard = Map.groupBy(names, (name) => shardOf(name, shards.length))
  const answers = await Promise.all(
    [...byShard].map(([shard, ours]) =>
      answered(() => stubOf(env, shards[shard] ?? '').befores(ours)),
    ),
  )
  return answers.flat().filter((before) => before > 0)
}

/** Throws `Fault` where the mark was not stored. */
export async function tellAuthority(env: Environment, mark: NewMark): Promise<void> {
  const shards = shardNames(env)
  const shard = shardOf(nameOf(mark.site, mark.target), shards.length)
  await answered(() => stubOf(env, shards[shard] ?? '').add([mark]))
}

function stubOf(env: Environment, shard: string): DurableObjectStub<DenylistObject> {
  return (env.DENYLIST_OBJECTS as DurableObjectNamespace<DenylistObject>).getByName(shard)
}

async function answered<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await within(patience, call())
  } catch (cause) {
    throw new Fault('revocation_unknown', 'the denylist does not answer', { cause })
  }
}
