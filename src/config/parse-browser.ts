/**
 * `routes[].cors` → what a route lets pages do: the rules that concern several keys.
 */
import type { CorsPolicy } from './browser-policy.ts'
import type { WrittenCors } from './browser-schema.ts'
import type { Report } from './field.ts'
import { isLoopback } from './loopback.ts'

interface Of {
  /** Of the route; `undefined` is every method. */
  readonly methods: readonly string[] | undefined
  readonly takesSessions: boolean
  readonly development: boolean
}

export function parseCors(
  written: WrittenCors | undefined,
  path: string,
  { methods, takesSessions, development }: Of,
  report: Report,
): CorsPolicy | undefined {
  if (written === undefined) return undefined
  const { origins, credentials } = written
  const every = origins.includes('*')
  // attack: cors-for-everybody
  if (every && origins.length > 1) report(`${path}.origins`, 'holds "*" and others: either, or')
  if (every && credentials) {
    report(`${path}.credentials`, 'does not go with origins = ["*"]: name the origins')
  }
  if (every && takesSessions) {
    report(`${path}.origins`, 'cannot be "*" where the route lets sessions in: name the origins')
  }
  for (const [i, origin] of origins.entries()) {
    const flaw = origin === '*' ? undefined : originFlaw(origin, development)
    if (flaw !== undefined) report(`${path}.origins[${i}]`, flaw)
  }
  const unknown = written.methods?.find((method) => methods?.includes(method) === false)
  if (unknown !== undefined) report(`${path}.methods`, `holds ${unknown}, which the route refuses`)
  const own = credentials && takesSessions ? ['X-CSRF'] : []
  return {
    origins: every ? '*' : new Set(origins),
    methods: (written.methods ?? methods ?? ['GET', 'HEAD', 'POST']).join(', '),
    headers: [...own, ...written.headers].join(', '),
    expose: written.expose.join(', '),
    credentials,
    maxAge: written.max_age,
  }
}

function originFlaw(origin: string, development: boolean): string | undefined {
  const url = URL.parse(origin)
  if (url?.origin !== origin)
    return 'must be written as browsers send it: scheme and host, the port where it is not the standard one'
  if (url.protocol === 'https:' || (development && isLoopback(url.hostname))) return undefined
  return 'must be https; plain http is for loopback pages of a development site'
}
