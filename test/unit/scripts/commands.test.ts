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
  it.each([[[]], [['everything']], [['origins', '--instal']], [['origins', 'more']]])(
    'says which suites there are: %j',
    async (args) => {
      const { code, err } = await run('interop.ts', ...args)
      expect(code).toBe(2)
      expect(err).toMatch(/^Usage: npm run interop -- <.*origins.*> \[--install\]$/m)
    },
  )
})

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
