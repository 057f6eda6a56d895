/** The commands that the documents name, as a person runs them. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, describe, expect, it } from 'vitest'

import { tokenOf } from '../world/issuers.ts'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'sallyport-commands-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a script from the project's folder, without the secrets of this machine. */
async function run(script: string, ...args: readonly string[]): Promise<Ran> {
  const env = { PATH: process.env['PATH'] ?? '' }
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [join(root, 'scripts', script), ...args],
      { cwd: root, env },
    )
    return { code: 0, out: stdout, err: stderr }
  } catch (error) {
    const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string }
    return { code, out: stdout, err: stderr }
  }
}

function written(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

describe('npm run explain', () => {
  it('tells of the configuration that users edit, with no secret at hand', async () => {
    const { code, out } = await run('explain.ts', 'get', 'https://shop.example.com/api/x')
    expect(code).toBe(0)
    expect(out).toMatch(/^GET https:\/\/shop\.example\.com\/api\/x\n/)
    expect(out).toContain('asks      is session')
    expect(out).toContain('Not on this machine, and taken as set: SEAL_KEYS, MAIN_CLIENT_SECRET')
  })

  it('takes a token from a file, and exits 1 where it would be refused', async () => {
    const file = written('token', `${await tokenOf()}\n`)
    const asked = ['GET', 'https://shop.example.com/api/x', '--token-file', file]
    const { code, out } = await run('explain.ts', ...asked)
    expect(code).toBe(1)
    expect(out).toContain('refused   session_missing')
  })

  it.each([
    [['GET'], 'Usage'],
    [['GET', 'https://shop.example.com/', 'more'], 'Usage'],
    [['GET', 'https://shop.example.com/', '--tokn', 'x'], '--tokn'],
    [['GET', 'https://shop.example.com/', '--token-file', '/not/there'], '/not/there'],
    [['GET', 'https://shop.example.com/', '--as', 'god'], '--as must be'],
    [['GET', 'https://shop.example.com/', '--as', 'session', '--claims', '[]'], '--claims must be'],
    [['GET', 'https://shop.example.com/', '--config', '/not/there'], '/not/there'],
  ])('says what it does not understand: %j', async (args, mend) => {
    const { code, err } = await run('explain.ts', ...args)
    expect(code).toBe(2)
    expect(err).toContain(mend)
    expect(err).not.toContain('    at ')
  })
})

describe('npm run check:config', () => {
  it('finds nothing wrong with the configuration that users edit', async () => {
    const { code, out } = await run('check-config.ts')
    expect(code).toBe(0)
    expect(out).toContain('no problems. Providers: 1. Issuers: 0. Sites: 1.')
  })

  it('takes a decryption key that is only set in production as what it should be', async () => {
    const { code, out, err } = await run('check-config.ts', written('wrangler.toml', encrypted))
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toContain('their values are not on this machine: SEAL_KEYS, JWE_KEY')
  })

  it('holds what callers are told of a limit against what the binding counts to', async () => {
    const honest = written('limits.toml', limited)
    expect((await run('check-config.ts', honest)).code).toBe(0)
    const unequal = limited.replace('limit = 20, period = 60 }', 'limit = 30, period = 10 }')
    const { code, err } = await run('check-config.ts', written('unequal.toml', unequal))
    expect(code).toBe(1)
    expect(err).toContain('RATE_LIMITS[0].limit is 20; [[ratelimits]] has 30')
    expect(err).toContain('RATE_LIMITS[0].period is 60s; [[ratelimits]] has 10')
    const shared = limited.replace('"1002"', '"1001"')
    expect((await run('check-config.ts', written('shared.toml', shared))).err).toContain(
      '[[ratelimits]] OTHER has the namespace_id of another binding (1001)',
    )
  })

  it('takes the credentials of custodians that are only set in production as what they should be', async () => {
    const { code, err } = await run('check-config.ts', written('custody.toml', inCustody))
    expect(err).toBe('')
    expect(code).toBe(0)
  })

  it('names every problem and exits 1', async () => {
    const bad = encrypted.replace('audience = "api"', 'audiences = "api"')
    const { code, err } = await run('check-config.ts', written('bad.toml', bad))
    expect(code).toBe(1)
    expect(err).toContain('SITES[0].routes[0].access.audiences is not a key that Sallyport knows')
  })
})

describe('npm run measure', () => {
  it('says which measurements there are', async () => {
    const { code, err } = await run('measure.ts', 'everything')
    expect(code).toBe(2)
    expect(err).toContain('verify | cold-start | kid-flood')
  })
})

describe('npm run interop', () => {
  it('says which there are', async () => {
    for (const args of [
      [],
      ['apache'],
      ['constructor'],
      ['../check-config'],
      ['kms', 'more'],
      ['origins', '--instal'],
    ]) {
      const { code, err } = await run('interop.ts', ...args)
      expect(code).toBe(2)
      expect(err).toContain('Usage: npm run interop -- <nginx | caddy | kms | origins> [--install]')
    }
  })

  it('says so where the other software is not there', async () => {
    const asked = [join(root, 'scripts/interop.ts'), 'caddy']
    const env = { PATH: '', CADDY: join(folder, 'no-caddy') }
    const { stdout } = await promisify(execFile)(process.execPath, asked, { cwd: root, env })
    expect(stdout).toBe('skipped: no caddy (its program on the path, or CADDY=/path/to/caddy)\n')
  })
})

const inCustody = `
name = "gate"
main = "src/index.ts"
compatibility_date = "2026-10-20"

[secrets]
required = ["SEAL_KEYS", "GOOGLE_ACCOUNT", "VAULT_TOKEN"]

[[vars.CUSTODIANS]]
id = "google"
kind = "google_kms"
service_account = { secret = "GOOGLE_ACCOUNT" }

[[vars.CUSTODIANS]]
id = "vault"
kind = "vault"
url = "https://vault.example.com"
token = { secret = "VAULT_TOKEN" }

[[vars.SITES]]
id = "api"
hosts = ["api.example.com"]

[vars.SITES.assertion]
custodian = "vault"
key = { sign = "api:1" }

[[vars.SITES.routes]]
path = "/*"
access = "public"
upstream = { url = "https://api.internal.example" }
`

const encrypted = `
name = "gate"
main = "src/index.ts"
compatibility_date = "2026-10-20"

[secrets]
required = ["SEAL_KEYS", "JWE_KEY"]

[[vars.ISSUERS]]
id = "as"
issuer = "https://as.example"
algorithms = ["ES256"]
decryption = { keys = [{ secret = "JWE_KEY" }] }

[[vars.SITES]]
id = "api"
hosts = ["api.example.com"]

[[vars.SITES.routes]]
path = "/*"
access = { any = ["machine"], audience = "api" }
upstream = { url = "https://api.internal.example" }
`

const limited = `
name = "gate"
main = "src/index.ts"
compatibility_date = "2026-10-20"

[secrets]
required = ["SEAL_KEYS"]

[[ratelimits]]
name = "FEW"
namespace_id = "1001"
simple = { limit = 20, period = 60 }

[[ratelimits]]
name = "OTHER"
namespace_id = "1002"
simple = { limit = 5, period = 10 }

[[vars.RATE_LIMITS]]
id = "few"
binding = "FEW"
limit = 20
period = "60s"

[[vars.SITES]]
id = "api"
hosts = ["api.example.com"]

[[vars.SITES.routes]]
path = "/*"
access = "public"
upstream = { url = "https://api.internal.example" }
rate_limit = { limit = "few", per = "address" }
`
