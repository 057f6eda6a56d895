import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { deviceListName } from '../../../src/platform/devices.ts'
import { copyName } from '../../../src/platform/document-copies.ts'
import { sessionObjectName } from '../../../src/platform/session-stub.ts'
import { snapshotAddress } from '../../../src/platform/snapshot-copies.ts'
import { type MarkTarget, nameOf } from '../../../src/revocation/mark.ts'

/** Written by whoever wants two names to run together. */
const hostile = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'a/b',
    'a%2Fb',
    '%61',
    'a ',
    'a oauth',
    '"],["a',
    'a","b',
    '\\',
    '/',
    '',
  ),
  fc.constantFrom('é', 'e\u0301', '\u0000', '\ud800', '\ufffd', '🚪', '..', '?', '#', ':'),
  fc
    .array(fc.constantFrom('a', '/', '%', '2', 'F', '"', ',', '\\', ' ', 'é'), { maxLength: 6 })
    .map((all) => all.join('')),
  fc.string({ unit: 'binary', maxLength: 8 }),
)
/** What the configuration takes for a site's id. */
const siteId = fc.oneof(
  fc.constantFrom('a', 'b', 'a-b', 'a-', 'ab', 'session', 'site', 'event'),
  fc.stringMatching(/^[a-z][a-z0-9-]{0,5}$/),
)
const target: fc.Arbitrary<MarkTarget> = fc.oneof(
  fc.constant({ kind: 'site' as const }),
  fc.record({ kind: fc.constant('session' as const), id: hostile }),
  fc.record({
    kind: fc.constantFrom(
      'token' as const,
      'provider_session' as const,
      'subject' as const,
      'client' as const,
      'signing_key' as const,
    ),
    issuer: hostile,
    id: hostile,
  }),
)

/** Two different things never have one name; the same thing always has. attack: sites-run-together */
async function neverCollide<T>(
  things: fc.Arbitrary<T>,
  name: (thing: T) => string | Promise<string>,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(things, things, async (one, two) => {
      const same = JSON.stringify(one) === JSON.stringify(two)
      expect((await name(one)) === (await name(two))).toBe(same)
    }),
    { numRuns: 3000 },
  )
}

describe('names of what is stored', () => {
  it('are of one site: its id holds nothing that names are put together with', () => {
    const problemsWith = (id: string) => {
      const sites = [{ id, hosts: ['a.test'], routes: [] }]
      const read = parseConfig({ SITES: sites, SEAL_KEYS: 'A'.repeat(43) })
      const problems: readonly { readonly path: string }[] = read.ok ? [] : read.problems
      return problems.filter(({ path }) => path === 'SITES[0].id')
    }
    expect(problemsWith('a-b')).toEqual([])
    for (const id of ['a/b', 'a%2Fb', 'a b', 'é', '', 'A', 'a.b', 'a"', '\ud800', '1a'])
      expect(problemsWith(id), id).toHaveLength(1)
  })

  it('of sessions never run together', () =>
    neverCollide(fc.tuple(siteId, hostile), ([site, id]) => sessionObjectName(site, id)))

  it('of lists of devices never run together', () =>
    neverCollide(fc.tuple(siteId, hostile, hostile), ([site, issuer, subject]) =>
      deviceListName(site, { issuer, subject }),
    ))

  it('of marks never run together, even for sites that no configuration has', () =>
    neverCollide(fc.tuple(hostile, target), ([site, of]) => nameOf(site, of)))

  it('of documents in KV never run together', () =>
    neverCollide(
      // Names that are no text cannot come from a configuration, and have no spelling in percent signs.
      hostile.filter((name) => name.isWellFormed()),
      (documentsName) => copyName({ documentsName }),
    ))

  it('of snapshots in the cache never run together', () =>
    neverCollide(
      fc.tuple(
        fc.integer({ min: 0, max: 12 }).map((shard) => `marks/1/${String(shard)}/12`),
        fc.option(fc.record({ epoch: fc.nat({ max: 12 }), version: fc.nat({ max: 12 }) }), {
          nil: undefined,
        }),
      ),
      ([shard, since]) => snapshotAddress(shard, since),
    ))
})
