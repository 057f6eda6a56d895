/**
 * The configuration of this isolate: parsed once. A bad one is a fault for every request, and its problems
 * are logged once.
 */
import type { Config } from '../config/config.ts'
import { parseConfig, type ParsedConfig } from '../config/parse.ts'
import { Fault } from '../fault.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'

const parsed = new WeakMap<Environment, ParsedConfig>()

/** Throws `Fault` (`configuration`). */
export function configurationOf(env: Environment): Config {
  const result = parsed.get(env) ?? parse(env)
  if (result.ok) return result.config
  throw new Fault(
    'configuration',
    `${result.problems.length} problems, logged when they were found`,
  )
}

function parse(env: Environment): ParsedConfig {
  const result = parseConfig(env)
  parsed.set(env, result)
  if (!result.ok) {
    for (const { path, mend } of result.problems)
      consoleLog('error', 'configuration.problem', { path, mend })
  }
  return result
}
