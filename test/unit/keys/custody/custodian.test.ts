import { beforeAll, describe, expect, it } from 'vitest'
import { calculateJwkThumbprint, exportJWK } from 'jose'

import { Fault } from '../../../../src/fault.ts'
import { custodianOf } from '../../../../src/keys/custody/custodian-of.ts'
import type { AssertionAlgorithm } from '../../../../src/keys/signer.ts'
import { kinds, type World, worldOf } from '../../world/custody-accounts.ts'
import { makePair, type Pair, type Sent, verifyWith } from '../../world/custodians.ts'

const pairs = new Map<string, Pair>()

beforeAll(async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const)
    for (const place of ['first', 'second']) pairs.set(`${alg} ${place}`, await makePair(alg))
})

const pairsOf = (alg: AssertionAlgorithm) =>
  [pairs.get(`${alg} first`)!, pairs.get(`${alg} second`)!] as const
const world = (kind: (typeof kinds)[number], alg: AssertionAlgorithm = 'ES256') =>
  worldOf(kind, pairsOf(alg), pairs.get('RS256 second')!)

async function signed({ custodian, fake }: World, text = 'header.payload') {
  const [key] = await custodian.keys()
  return custodian.signer(key!).sign(fake.message(text))
}

const fails = (work: Promise<unknown>, kind: string) =>
  expect(work).rejects.toMatchObject({ name: 'Fault', kind })

/** The fault that signing ends in when the fake answers in this way, once the keys are read. */
async function faultOf(
  kind: (typeof kinds)[number],
  answer: (sent: Sent) => Response | undefined,
): Promise<Fault> {
  const there = await world(kind)
  const [key] = await there.custodian.keys()
  const signer = there.custodian.signer(key!)
  const message = there.fake.message('header.payload')
  // The honest request passes.
  expect(await signer.sign(message)).toHaveLength(64)
  there.fake.instead = answer
  const fault: unknown = await signer.sign(message).catch((error: unknown) => error)
  expect(fault).toBeInstanceOf(Fault)
  return fault as Fault
}

const honest = kinds.flatMap((kind) =>
  (['ES256', 'RS256', 'EdDSA'] as const)
    .filter((alg) => kind !== 'aws_kms' || alg !== 'EdDSA')
    .map((alg) => [kind, alg] as const),
)

describe('a key in custody', () => {
  it.each(honest)('of %s signs and is published: %s', async (kind, alg) => {
    const there = await world(kind, alg)
    const keys = await there.custodian.keys()
    const [first, second] = pairsOf(alg)
    expect(keys.map(({ name }) => name)).toEqual(there.names)
    for (const [i, pair] of [first, second].entries()) {
      const members = await exportJWK(pair.publicKey)
      const kid = await calculateJwkThumbprint(members)
      expect(keys[i]).toMatchObject({ kid, alg })
      expect(keys[i]!.publicJwk).toEqual({ ...members, kid, alg, use: 'sig' })
      const signer = there.custodian.signer(keys[i]!)
      expect(signer).toMatchObject({ kid, alg })
      for (const text of ['header.payload', 'x'.repeat(10_000)]) {
        const message = there.fake.message(text)
        expect(await verifyWith(pair, await signer.sign(message), message)).toBe(true)
      }
    }
  })

  it.each(kinds)('of %s has no private part in anything that comes in', async (kind) => {
    const there = await world(kind)
    for (const { publicJwk } of await there.custodian.keys())
      expect(Object.keys(publicJwk).toSorted()).toEqual(
        ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'].toSorted(),
      )
  })

  it.each(kinds)('of %s gives away digests, not what is said of a person', async (kind) => {
    const there = await world(kind)
    await signed(there, 'alice@example.com')
    const sent = there.fake.sent.map(({ text }) => text).join('\n')
    expect(sent).not.toContain('alice')
    expect(sent).not.toContain(Buffer.from('alice@example.com').toString('base64'))
  })
})

describe('a signature from a custodian', () => {
  // signature-by-another-key
  it.each(honest)('by another key than the published one is refused: %s, %s', async (kind, alg) => {
    const there = await world(kind, alg)
    const [key] = await there.custodian.keys()
    const signer = there.custodian.signer(key!)
    const message = there.fake.message('header.payload')
    await signer.sign(message)
    // Not the first time either: a key may be deleted and made anew while we run.
    there.fake.signer = pairsOf(alg)[1]
    await fails(signer.sign(message), 'custody_malformed')
    there.fake.signer = undefined
    expect(await verifyWith(pairsOf(alg)[0], await signer.sign(message), message)).toBe(true)
  })

  it.each(kinds)('of another message is refused: %s', async (kind) => {
    const there = await world(kind)
    const [key] = await there.custodian.keys()
    const signer = there.custodian.signer(key!)
    const answers: Response[] = []
    const { outbound } = there.fake
    const recording = custodianOf(there.custody, {
      now: () => there.clock.now,
      outbound: async (...request) => {
        const answer = await outbound(...request)
        answers.push(answer.clone())
        return answer
      },
    })
    await recording.signer(key!).sign(there.fake.message('one'))
    // The same answer again, whatever is asked.
    there.fake.instead = () => answers.at(-1)?.clone()
    await signer.sign(there.fake.message('one'))
    await fails(signer.sign(there.fake.message('another')), 'custody_malformed')
  })

  it.each([
    ['vault', { data: { signature: 'vault:v1:AAAA' } }],
    ['vault', { data: { signature: `vault:v1:${'A'.repeat(86)}` } }],
    ['vault', { data: { signature: 'vault:v1:!!' } }],
    ['vault', { data: { signature: 7 } }],
    ['vault', { data: null }],
    ['aws_kms', { Signature: 'MAYCAQECAQE=' }],
    ['aws_kms', { Signature: 'MAYCAQACAQE=' }],
    ['aws_kms', { Signature: 'not base64' }],
    ['aws_kms', { signature: 'MAYCAQECAQE=' }],
    ['google_kms', { signature: 'MAYCAQECAQEA' }],
    ['google_kms', { signature: ['MAYCAQECAQE='] }],
    ['google_kms', {}],
  ] as const)('that is none is refused: %s %j', async (kind, body) => {
    expect((await faultOf(kind, () => Response.json(body))).kind).toBe('custody_malformed')
  })

  it('by another version of a Vault key is refused, whatever it signs', async () => {
    const fault = await faultOf('vault', () =>
      Response.json({ data: { signature: `vault:v2:${'A'.repeat(86)}` } }),
    )
    expect(fault).toMatchObject({ kind: 'custody_malformed' })
    expect(fault.message).toContain('version 2')
  })
})

describe('a custodian that fails', () => {
  const own = 'the custodian’s own words, and eyJhbGciOiJub25lIn0.e30.'

  it.each(
    kinds.flatMap((kind) =>
      (
        [
          [400, 'custody_refused'],
          [403, 'custody_refused'],
          [404, 'custody_refused'],
          [429, 'custody_unreachable'],
          [500, 'custody_unreachable'],
          [503, 'custody_unreachable'],
          [204, 'custody_refused'],
          [302, 'custody_malformed'],
          [307, 'custody_malformed'],
        ] as const
      ).map(([status, expected]) => [kind, status, expected] as const),
    ),
  )('is a fault without its words: %s, %i, %s', async (kind, status, expected) => {
    const headers = { location: 'https://evil.example/' }
    const body = status === 204 ? null : JSON.stringify({ errors: [own], message: own })
    const fault = await faultOf(kind, () => new Response(body, { status, headers }))
    expect(fault.kind).toBe(expected)
    expect(fault.message).toContain(`safe answered ${status} when asked to sign with `)
    expect(`${fault.message} ${String(fault.cause)}`).not.toMatch(/own words|evil|eyJ/)
  })

  it.each(
    kinds.flatMap((kind) =>
      ['', '{', '[]', 'null', '"x"', `<html>${own}</html>`].map((body) => [kind, body] as const),
    ),
  )('is a fault where it answers with something else than a table: %s, %s', async (kind, body) => {
    const fault = await faultOf(kind, () => new Response(body))
    expect(fault.kind).toBe('custody_malformed')
    expect(fault.message).not.toContain('own words')
  })

  // custodian-redirect
  it.each(kinds)('of kind %s leads nowhere else with our credentials', async (kind) => {
    const there = await world(kind)
    await signed(there)
    const hosts = () => new Set(there.fake.sent.map(({ url }) => url.host))
    const before = hosts()
    there.fake.instead = () => Response.redirect('https://evil.example/v1/transit/sign/shop', 307)
    await fails(signed(there), 'custody_malformed')
    expect(hosts()).toEqual(before)
  })

  it('of AWS says with status 400 that there are too many requests', async () => {
    for (const type of ['ThrottlingException', 'com.amazonaws.kms#LimitExceededException']) {
      const fault = await faultOf('aws_kms', () =>
        Response.json({ __type: type, message: own }, { status: 400 }),
      )
      expect(fault.kind).toBe('custody_unreachable')
    }
    const refused = await faultOf('aws_kms', () =>
      Response.json({ __type: 'DisabledException' }, { status: 400 }),
    )
    expect(refused.kind).toBe('custody_refused')
  })
})
