import { beforeEach, describe, expect, it } from 'vitest'

import { createAssertionVerifier } from '../../../src/origin/verifier.ts'
import { makeSigner } from '../world/keys.ts'
import { FakeSite, noon } from './site.ts'

const next = await makeSigner('ES256', 'k2')
let site: FakeSite
let verifier: ReturnType<typeof createAssertionVerifier>

beforeEach(async () => {
  site = await FakeSite.make()
  verifier = createAssertionVerifier(site.options())
})

async function outcome(assertion: Promise<string> = site.assertion()): Promise<string> {
  const verified = await verifier.verify(await assertion)
  if (verified.ok) return 'accepted'
  const { refusal } = verified
  return refusal.reason === 'assertion_refused' ? refusal.check : refusal.reason
}

/** A made-up key's assertion. */
const unknown = (kid = 'made-up') => site.forged({}, { kid })

describe('a key set', () => {
  it('is read once while it is of age, from the place that the standard names', async () => {
    for (let i = 0; i < 40; i++) expect(await outcome()).toBe('accepted')
    expect(site.asked.map(({ url }) => url)).toEqual([
      'https://shop.example.com/.well-known/jwks.json',
    ])
  })

  it('is read again in the last quarter of its age, by one request while the others go on', async () => {
    await outcome()
    site.now = noon + 44
    await outcome()
    expect(site.asked).toHaveLength(1)
    site.now = noon + 45
    site.hold()
    const first = outcome()
    await FakeSite.settle()
    for (let i = 0; i < 10; i++) expect(await outcome()).toBe('accepted')
    expect(site.asked).toHaveLength(2)
    expect(site.asked[1]?.headers.get('if-none-match')).toBe('"k1"')
    site.release()
    expect(await first).toBe('accepted')
    // What has not changed is of age anew
    site.now = noon + 89
    expect(await outcome()).toBe('accepted')
    expect(site.asked).toHaveLength(2)
  })

  it.each([
    ['public, max-age=60', {}, 60],
    ['max-age=20', {}, 20],
    ['Public, MAX-AGE="20"', {}, 20],
    ['public, max-age=86400', {}, 300],
    ['s-maxage=900, max-age=20', {}, 20],
    ['max-age=60', { age: '50' }, 10],
    ['max-age=60', { age: '70' }, 1],
    ['no-store, max-age=60', {}, 1],
    ['max-age=0', {}, 1],
    [undefined, {}, 1],
    ['max-age=-60', {}, 1],
  ])('that says %s %o serves for %4$i seconds', async (cacheControl, headers, seconds) => {
    Object.assign(site, { cacheControl, headers })
    verifier = createAssertionVerifier(site.options({ staleFor: 0 }))
    expect(await outcome()).toBe('accepted')
    site.isDown = true
    site.now = noon + seconds - 0.01
    expect(await outcome()).toBe('accepted')
    site.now = noon + seconds
    expect(await outcome()).toBe('keys_unavailable')
  })
})

describe('a key that has vanished', () => {
  it('is refused when the age of the copy is over', async () => {
    expect(await outcome()).toBe('accepted')
    site.keys = [next.publicJwk]
    site.now = noon + 44
    expect(await outcome(), 'while the copy is of age').toBe('accepted')
    site.now = noon + 60
    expect(await outcome(), 'afterwards').toBe('key_unknown')
    expect(await outcome(site.assertion({}, next)), 'and its successor is known').toBe('accepted')
  })

  it('is refused by everybody who waits while the set is read, not only by who reads it', async () => {
    expect(await outcome()).toBe('accepted')
    site.keys = [next.publicJwk]
    site.now = noon + 60
    site.hold()
    const crowd = Array.from({ length: 20 }, () => outcome())
    await FakeSite.settle()
    site.release()
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['key_unknown']))
    expect(site.asked).toHaveLength(2)
  })

  it('is refused at once where its successor is seen first', async () => {
    expect(await outcome()).toBe('accepted')
    site.keys = [next.publicJwk]
    site.now = noon + 11
    expect(await outcome(site.assertion({}, next))).toBe('accepted')
    expect(await outcome()).toBe('key_unknown')
  })

  it('is refused where none is left', async () => {
    expect(await outcome()).toBe('accepted')
    site.keys = []
    site.now = noon + 60
    expect(await outcome()).toBe('key_unknown')
  })
})

describe('a key that nobody knows', () => {
  it('has the set read once in a cool-down, however many are made up', async () => {
    expect(await outcome()).toBe('accepted')
    site.now = noon + 10
    for (let i = 0; i < 50; i++) expect(await outcome(unknown(`made-up-${i}`))).toBe('key_unknown')
    expect(site.asked).toHaveLength(2)
    site.now = noon + 19
    expect(await outcome(unknown())).toBe('key_unknown')
    expect(site.asked).toHaveLength(2)
    site.now = noon + 20
    expect(await outcome(unknown())).toBe('key_unknown')
    expect(site.asked).toHaveLength(3)
  })

  it('has it read once by a crowd that comes at one time, and no more where reading fails', async () => {
    expect(await outcome()).toBe('accepted')
    site.now = noon + 10
    site.isDown = true
    site.hold()
    const crowd = Array.from({ length: 20 }, (_, i) => outcome(unknown(`made-up-${i}`)))
    await FakeSite.settle()
    site.release()
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['key_unknown']))
    expect(site.asked).toHaveLength(2)
    expect(await outcome(), 'what is known is known').toBe('accepted')
    site.now = noon + 16
    expect(await outcome(unknown())).toBe('key_unknown')
    expect(site.asked).toHaveLength(2)
  })

  it('is not asked for where the assertion is refused anyway', async () => {
    expect(await outcome(site.forged({ aud: 'invoices' }, { kid: 'made-up' }))).toBe('audience')
    expect(await outcome(site.forged({ exp: noon - 60, iat: noon - 90 }))).toBe('expired')
    expect(site.asked).toHaveLength(0)
  })
})

describe('a site that cannot be asked', () => {
  it('is served from the copy for a stated time, and then refused', async () => {
    expect(await outcome()).toBe('accepted')
    site.isDown = true
    site.now = noon + 60
    expect(await outcome()).toBe('accepted')
    expect(await outcome()).toBe('accepted')
    expect(site.asked, 'and left alone for a while').toHaveLength(2)
    site.now = noon + 359
    expect(await outcome()).toBe('accepted')
    site.now = noon + 360
    expect(await outcome()).toBe('keys_unavailable')
    site.isDown = false
    expect(await outcome()).toBe('keys_unavailable')
    site.now = noon + 365
    expect(await outcome()).toBe('accepted')
  })

  it('is asked by one of a crowd where nothing is known', async () => {
    site.hold()
    const crowd = Array.from({ length: 20 }, () => outcome())
    await FakeSite.settle()
    site.release()
    expect(new Set(await Promise.all(crowd))).toEqual(new Set(['accepted']))
    expect(site.asked).toHaveLength(1)
  })

  it.each([
    ['an error', { status: 500 }],
    ['a page', { body: '<html>' }],
    ['a redirect', { status: 302, headers: { location: 'https://evil.example/' } }],
    ['a document without keys', { body: '{}' }],
    ['a list', { body: '[]' }],
    ['nothing', { body: '' }],
    ['a set of too many keys', { body: `{"keys":[{}${',{}'.repeat(100)}]}` }],
    ['an endless document', { body: `{"keys":[]}${' '.repeat(300_000)}` }],
  ])('is one that answers with %s', async (_what, wrong) => {
    expect(await outcome()).toBe('accepted')
    Object.assign(site, { keys: [site.signer.publicJwk, next.publicJwk], ...wrong })
    site.now = noon + 60
    expect(await outcome(), 'from the copy').toBe('accepted')
    const fresh = createAssertionVerifier(site.options())
    expect(await fresh.verify(await site.assertion())).toEqual({
      ok: false,
      refusal: { reason: 'keys_unavailable' },
    })
  })

  it('is one that says "unchanged" to somebody who has nothing', async () => {
    site.fetch = async () => new Response(null, { status: 304 })
    verifier = createAssertionVerifier(site.options())
    expect(await outcome()).toBe('keys_unavailable')
  })

  it('leaves nobody waiting for a request that is gone', async () => {
    verifier = createAssertionVerifier(site.options({ timeout: 60 }))
    site.hold()
    const gone = outcome()
    await FakeSite.settle()
    // Its fetch never settles, as where the runtime has dropped its request
    expect(await outcome()).toBe('keys_unavailable')
    site.release()
    await gone
  })

  it('does not let a slow answer take the place of a later one', async () => {
    verifier = createAssertionVerifier(site.options({ timeout: 1000 }))
    site.hold()
    const slow = outcome()
    await FakeSite.settle()
    site.now = noon + 2
    site.keys = [next.publicJwk]
    const later = outcome(site.assertion({}, next))
    await FakeSite.settle()
    expect(site.asked).toHaveLength(2)
    site.release()
    await Promise.all([slow, later])
    expect(await outcome(site.assertion({}, next))).toBe('accepted')
    expect(await outcome()).toBe('key_unknown')
  })
})
