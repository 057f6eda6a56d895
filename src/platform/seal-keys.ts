/**
 * The seal of this isolate, made once from `SEAL_KEYS`.
 */
import { Seal } from '../seal.ts'
import { configurationOf } from './configuration.ts'
import type { Environment } from './environment.ts'

const seals = new WeakMap<Environment, Seal>()

/** Throws `Fault` (`configuration`). */
export async function sealOf(env: Environment): Promise<Seal> {
  const known = seals.get(env)
  if (known !== undefined) return known
  const seal = await Seal.fromKeys(configurationOf(env).sealKeys)
  seals.set(env, seal)
  return seal
}
