import { describe, expect, it } from 'vitest'

import type { VerifierOptions } from '../../../src/origin/options.ts'
import { createAssertionVerifier } from '../../../src/origin/verifier.ts'
import { FakeSite } from './site.ts'

const site = await FakeSite.make()

/** What is thrown; fails where nothing is. */
function mendOf(options: unknown): string {
  try {
    createAssertionVerifier(options as VerifierOptions)
    return 'nothing'
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError)
    return (error as Error).message
  }
}

describe('a verifier', () => {
  it('is not made without an audience or a site of its own', () => {
    const { audience, site: issuer, ...rest } = site.options()
    expect(mendOf({ ...rest, audience, site: issuer })).toBe('nothing')
    for (const wrong of [undefined, '', [], [''], [undefined], 7, null])
      expect(mendOf({ ...rest, site: issuer, audience: wrong }), String(wrong)).toContain(
        "audience must be this origin's own audience, as its route says: audience: 'orders'",
      )
    for (const wrong of [undefined, '', null, 7, [undefined], {}, [{ keySetUrl: issuer }]])
      expect(mendOf({ ...rest, audience, site: wrong }), JSON.stringify(wrong)).toContain(
        'site must be',
      )
    expect(mendOf({ ...rest, audience, site: [] })).toContain('at least one site')
  })

  it('takes a site only as it stands in iss', () => {
    const spelled = (text: string) => mendOf(site.options({ site: text }))
    expect(spelled('https://shop.example.com')).toBe('nothing')
    expect(spelled('http://localhost:8787')).toBe('nothing')
    for (const text of [
      ...['https://shop.example.com/', 'https://shop.example.com:443', 'https://Shop.example.com'],
      ...['http://shop.example.com', 'shop.example.com', 'https://a@shop.example.com'],
      ...['ftp://localhost', 'data:text/plain,x'],
    ])
      expect(spelled(text), text).toContain("the site's origin, without a path or a slash")
    expect(mendOf(site.options({ site: [site.issuer, { issuer: site.issuer }] }))).toContain(
      'twice',
    )
  })

  it('reads keys where it is told to, and over https', async () => {
    const keySetUrl = 'https://keys.internal.example/shop'
    const told = createAssertionVerifier(site.options({ site: { issuer: site.issuer, keySetUrl } }))
    expect((await told.verify(await site.assertion())).ok).toBe(true)
    expect(site.asked.at(-1)?.url).toBe(keySetUrl)
    const insecure = { issuer: site.issuer, keySetUrl: 'http://keys.internal.example/' }
    expect(mendOf(site.options({ site: insecure }))).toContain('keySetUrl must be an https address')
  })

  it('pins algorithms that a site signs with', () => {
    for (const algorithms of [[], ['HS256'], ['none'], ['ES256', 'HS256'], 'ES256'])
      expect(mendOf({ ...site.options(), algorithms }), String(algorithms)).toContain(
        'algorithms must be a list of some of ES256, EdDSA, RS256',
      )
  })

  it.each(['maxAge', 'cooldown', 'staleFor', 'clockTolerance', 'timeout'] as const)(
    'says which %s it takes',
    (name) => {
      for (const wrong of [-1, Number.NaN, Infinity, '5'])
        expect(mendOf({ ...site.options(), [name]: wrong })).toMatch(
          new RegExp(`${name} must be a number from \\d+ to \\d+`),
        )
    },
  )
})
