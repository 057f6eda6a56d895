/**
 * `npm run explain -- <method> <url> [--token <token> | --token-file <file>] [--as <kind> --claims <json>]`:
 * which route a request meets, what its rule asks for, and whether a caller would pass, decided by the gateway's own
 * code. A token is sent nowhere but, where it is opaque, to the issuer that answers for it.
 *
 * Exits 1 where the request is refused, 2 where the command is not understood.
 */
import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'

import { readLocalConfiguration } from './configuration.ts'
import { type Asked, explain } from './explanation.ts'

const usage = `Usage: npm run explain -- <method> <url> [options]

  --token <token>        a bearer token, as a client would send it
  --token-file <file>    the same from a file, which keeps it out of the shell's history
  --as <kind>            or what the rule says of a session, a bearer or a machine
  --claims <json>        with these claims: { "sub": "ada", "scope": "orders", "acr": "gold" }
  --config <file>        another wrangler.toml`

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 2
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      token: { type: 'string' },
      'token-file': { type: 'string' },
      as: { type: 'string' },
      claims: { type: 'string' },
      config: { type: 'string', default: 'wrangler.toml' },
      help: { type: 'boolean', short: 'h' },
    },
  })
  const [method, url] = positionals
  if (values.help === true || method === undefined || url === undefined || positionals.length > 2) {
    console.error(usage)
    return 2
  }
  const path = resolve(values.config)
  if (!existsSync(path)) throw new Error(`There is no ${path}.`)
  const asked: Asked = {
    method: method.toUpperCase(),
    url,
    token: values['token-file'] === undefined ? values.token : readToken(values['token-file']),
    supposed: supposedOf(values.as, values.claims),
  }
  const { parsed, elsewhere } = readLocalConfiguration(path)
  if (!parsed.ok) {
    for (const { path: at, mend } of parsed.problems) console.error(`${at} ${mend}`)
    throw new Error(`${path} has problems: nothing would pass. Mend them first.`)
  }
  const { lines, passes } = await explain(parsed.config, asked, Math.floor(Date.now() / 1000))
  console.log(lines.join('\n'))
  if (elsewhere.length > 0)
    console.log(`\nNot on this machine, and taken as set: ${elsewhere.join(', ')}`)
  return passes ? 0 : 1
}

function readToken(file: string): string {
  if (!existsSync(file)) throw new Error(`There is no ${file}.`)
  return readFileSync(file, 'utf8').trim()
}

function supposedOf(kind: string | undefined, claims: string | undefined): Asked['supposed'] {
  if (kind === undefined && claims === undefined) return undefined
  if (kind !== 'session' && kind !== 'bearer' && kind !== 'machine')
    throw new Error(`--as must be session, bearer or machine.\n\n${usage}`)
  return { kind, claims: parseClaims(claims ?? '{}') }
}

function parseClaims(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Readonly<Record<string, unknown>>
  } catch {
    // Said below, in words that show the form.
  }
  throw new Error(
    '--claims must be a JSON object, such as \'{ "sub": "ada", "scope": "orders" }\'.',
  )
}
