import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { clockSkew, ends, forever, markOn, nameOf, shardOf } from '../../../src/revocation/mark.ts'
import { namesOfSession, namesOfToken } from '../../../src/revocation/names.ts'
import { siteOf } from '../world/vars.ts'

const issuer = 'https://id.example.com'

describe('a mark', () => {
  it('ends what was issued before it, and what does not say when', () => {
    expect(ends(100, 99)).toBe(true)
    expect(ends(100, 100)).toBe(false)
    expect(ends(100, undefined)).toBe(true)
    expect(ends(100, Number.NaN)).toBe(true)
    expect(ends(forever, 4_000_000_000)).toBe(true)
    // No mark is no mark.
    expect(ends(0, undefined)).toBe(false)
    expect(ends(0, 5)).toBe(false)
  })

  it('ends all that was made before it and nothing that was made after, with clocks that differ', () => {
    const skew = fc.integer({ min: -2, max: 2 })
    fc.assert(
      fc.property(skew, skew, fc.integer({ min: 0, max: 100 }), (authority, object, seconds) => {
        const markedAt = 1_800_000_000
        // What the authority writes for "until now", by its own clock.
        const before = markedAt + authority + clockSkew
        const madeBefore = markedAt - seconds + object
        expect(ends(before, madeBefore)).toBe(true)
        // What is made later asks the authority, and is dated behind what stands.
        const madeAfter = Math.max(markedAt + seconds + object, before)
        expect(ends(before, madeAfter)).toBe(false)
      }),
    )
  })

  it('lasts as long as anything that it ends', () => {
    const site = siteOf({
      env: {
        ISSUERS: [
          { id: 'as', issuer: 'https://as.example', algorithms: ['ES256'], max_lifetime: '2d' },
        ],
      },
    })
    const said = { before: 'now', reason: 'r', by: 'b' } as const
    const mark = markOn(site, { kind: 'site' }, said)
    expect(mark).toMatchObject({ edgeFor: 172_805, keepFor: 172_805 })
    expect(markOn(siteOf(), { kind: 'site' }, said)).toMatchObject({
      edgeFor: 300,
      keepFor: 43_200,
    })
  })
})

describe('a name', () => {
  it('has one spelling, and no two targets share one', () => {
    const targets = [
      nameOf('shop', { kind: 'subject', issuer, id: 'ada' }),
      nameOf('shop', { kind: 'client', issuer, id: 'ada' }),
      nameOf('shop', { kind: 'subject', issuer: `${issuer}","a`, id: 'da' }),
      nameOf('shop', { kind: 'subject', issuer, id: 'ada"]' }),
      nameOf('other', { kind: 'subject', issuer, id: 'ada' }),
      nameOf('shop', { kind: 'session', id: 'ada' }),
      nameOf('shop', { kind: 'site' }),
    ]
    expect(new Set(targets).size).toBe(targets.length)
  })

  it('belongs to one shard, of which there are so many', () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 64 }), (name, shards) => {
        const shard = shardOf(name, shards)
        expect(shard).toBe(shardOf(name, shards))
        expect(Number.isInteger(shard) && shard >= 0 && shard < shards).toBe(true)
      }),
    )
    const spread = new Set(Array.from({ length: 200 }, (_, i) => shardOf(`name ${String(i)}`, 8)))
    expect(spread.size).toBe(8)
  })
})

describe('what can be revoked', () => {
  it('of a session is itself, its person, the provider’s session, our client, the site', () => {
    const session = {
      sessionId: 'ses_1',
      issuer,
      subject: 'ada',
      providerSession: 'p1',
      issuedAt: 5,
    }
    const { names, issuedAt } = namesOfSession('shop', 'client', session)
    expect(issuedAt).toBe(5)
    expect(
      names
        .map((name) => (JSON.parse(name) as string[])[1] ?? '')
        .toSorted((a, b) => a.localeCompare(b)),
    ).toEqual(['client', 'provider_session', 'session', 'site', 'subject'])
    const less = namesOfSession('shop', 'client', { ...session, providerSession: undefined })
    expect(less.names).toHaveLength(4)
  })

  it('of a token is what it says of itself, and its key', () => {
    const token = {
      issuer,
      id: 't1',
      subject: 'ada',
      clientId: 'app',
      keyId: 'k1',
      providerSession: 's1',
      issuedAt: 5,
    }
    expect(namesOfToken('shop', token).names).toHaveLength(6)
    const bare = { ...token, id: undefined, keyId: undefined, providerSession: undefined }
    expect(namesOfToken('shop', { ...bare, subject: undefined }).names).toEqual([
      nameOf('shop', { kind: 'client', issuer, id: 'app' }),
      nameOf('shop', { kind: 'site' }),
    ])
  })
})
