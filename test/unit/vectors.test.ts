/** Runs over collections of other people, where they lie beside the checkout: none is in it. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it, type TestContext } from 'vitest'

import { canonicalUrl } from '../../src/http/canonical-url.ts'
import { readReturnTo } from '../../src/http/return-to.ts'
import { verifyJws } from '../../src/token/jws.ts'
import { KeySet } from '../../src/token/key-set.ts'
import { readers } from './world/readers.ts'
import { siteOf } from './world/vars.ts'

const folder = `${import.meta.dirname}/../../../shared/vectors/`
const site = siteOf()
const origin = 'https://shop.example.com'

/** Skips the running test where the file is not there. */
function read(context: TestContext, file: string): string {
  context.skip(!existsSync(folder + file), 'vectors are not beside the checkout')
  return readFileSync(folder + file, 'utf8')
}

const linesOf = (text: string) => text.split('\n').map((line) => line.replace(/\r$/, ''))

interface Group {
  readonly comment: string
  readonly public?: Record<string, unknown>
  readonly private: Record<string, unknown>
  readonly tests: readonly { tcId: number; comment: string; jws?: unknown; result: string }[]
}

const asymmetric = new Set(['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'ES256', 'ES384', 'ES512'])

/** The algorithms that the group's key set says it is for. */
function algorithmsOf(keys: readonly Record<string, unknown>[]): string[] {
  return keys.map(({ alg }) => String(alg)).filter((alg) => asymmetric.has(alg))
}

describe('Wycheproof', () => {
  it.for(['json_web_crypto_test', 'json_web_key_test'])(
    'nothing invalid of %s verifies',
    async (name, context) => {
      const { testGroups } = JSON.parse(read(context, `wycheproof/${name}.json`)) as {
        testGroups: Group[]
      }
      let [verified, refused] = [0, 0]
      for (const group of testGroups) {
        const written = group.public ?? group.private
        const keys = (written['keys'] ?? [written]) as Record<string, unknown>[]
        for (const test of group.tests) {
          // Some are of the JSON serialization, which is no token here
          if (typeof test.jws !== 'string') continue
          const policy = { algorithms: [...algorithmsOf(keys), 'HS256'] }
          const outcome = await verifyJws(test.jws, KeySet.parse({ keys })!, policy)
          // A symmetric key is no signer's key here, so that its valid tokens are refused too
          const symmetric = algorithmsOf(keys).length === 0
          const valid = test.result === 'valid' && !symmetric
          expect(outcome.ok, `${group.comment} ${String(test.tcId)} ${test.comment}`).toBe(valid)
          if (outcome.ok) verified += 1
          else refused += 1
        }
      }
      expect(verified).toBeGreaterThan(0)
      expect(refused).toBeGreaterThan(10)
    },
  )
})

interface Cookbook {
  readonly title: string
  readonly input: {
    readonly key?: Record<string, string>
    readonly payload: string
    readonly alg?: string
  }
  readonly output: { readonly compact?: string }
}

describe('the JOSE cookbook', () => {
  it('its compact signatures under public keys verify', async (context) => {
    read(context, 'rfc7520/jws/4_1.rsa_v15_signature.json')
    const files = readdirSync(`${folder}rfc7520/jws`).map((file) => `rfc7520/jws/${file}`)
    const verified: string[] = []
    for (const file of [...files, 'rfc7520/curve25519/jws.json']) {
      const { title, input, output } = JSON.parse(read(context, file)) as Cookbook
      const token = output.compact
      if (token === undefined || token.includes('..') || input.key === undefined) continue
      const { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk } = input.key
      const algorithms = [input.alg ?? 'EdDSA']
      const outcome = await verifyJws(token, KeySet.parse({ keys: [jwk] })!, { algorithms })
      expect(outcome.ok, title).toBe(jwk['kty'] !== 'oct')
      if (!outcome.ok) continue
      expect(new TextDecoder().decode(outcome.value.payload)).toBe(input.payload)
      verified.push(title)
    }
    expect(verified.length).toBeGreaterThanOrEqual(3)
  })
})

describe('open redirects', () => {
  it('none of the payloads leads out of the site', (context) => {
    const payloads = linesOf(read(context, 'redirects/openredirects.txt'))
    const accepted: string[] = []
    for (const payload of payloads) {
      const result = readReturnTo(payload, '/', site)
      if (!result.ok) continue
      accepted.push(payload)
      for (const base of [`${origin}/`, `${origin}/auth/callback`]) {
        const url = new URL(result.value, base)
        expect(url.origin, payload).toBe(origin)
        expect(url.pathname, payload).not.toMatch(/^\/[/\\]/)
      }
      // As a browser would read it that decodes before it looks
      const decoded = decodeURIComponent(result.value.split(/[?#]/)[0]!)
      expect(new URL(decoded, origin).origin, payload).toBe(origin)
    }
    expect(payloads.length).toBeGreaterThan(500)
    expect(accepted.length).toBeLessThan(payloads.length / 10)
  })
})

describe('path fragments', () => {
  const ruleOf = (path: string) => {
    const url = canonicalUrl(origin + path)
    if (!url.ok) return 'refused'
    const match = site.routes.match(url.value.pathname, 'GET')
    return match.kind === 'route' ? match.route.path : match.kind
  }

  it('none in the middle of a protected path leads around its rule', (context) => {
    for (const fragment of linesOf(read(context, 'paths/midpaths.txt'))) {
      expect(leadsAround(`/${fragment}/api/orders`), fragment).toBe(false)
      expect(['refused', '/api/*'], fragment).toContain(ruleOf(`/api/${fragment}/orders`))
    }
  })

  it('none at the end of a protected path leads around its rule', (context) => {
    for (const fragment of linesOf(read(context, 'paths/endpaths.txt'))) {
      expect(leadsAround(`/api${fragment}`), fragment).toBe(false)
      expect(['refused', '/api/*'], fragment).toContain(ruleOf(`/api/${fragment}`))
    }
  })

  /** Whether a path passes by another rule, though some origin may read it as one below /api. */
  function leadsAround(path: string): boolean {
    if (['refused', '/api/*'].includes(ruleOf(path))) return false
    const written = path.split(/[?#]/)[0]!
    const steps = Object.values(readers)
    return steps.some((first) =>
      steps.some((second) => {
        const seen = second(first(written))
        return seen.replaceAll(/\/+/g, '/').split('/')[1] === 'api'
      }),
    )
  }
})
