/** Keys in custody, inside workerd: its WebCrypto signs, imports and verifies in ways of its own. */
import { generateKeyPair } from 'jose'
import { beforeAll, describe, expect, it } from 'vitest'

import { kinds, worldOf } from '../unit/world/custody-accounts.ts'
import { derOf, makePair, type Pair, verifyWith } from '../unit/world/custodians.ts'

const pairs = new Map<string, readonly [Pair, Pair]>()
let account: Pair

beforeAll(async () => {
  for (const alg of ['ES256', 'EdDSA', 'RS256'] as const)
    pairs.set(alg, [await makePair(alg), await makePair(alg)])
  account = { alg: 'RS256', ...(await generateKeyPair('RS256', { extractable: true })) }
})

const honest = kinds.flatMap((kind) =>
  (['ES256', 'RS256', 'EdDSA'] as const)
    .filter((alg) => kind !== 'aws_kms' || alg !== 'EdDSA')
    .map((alg) => [kind, alg] as const),
)

describe('the Worker', () => {
  it.each(honest)('signs with a key in custody of %s: %s', async (kind, alg) => {
    const both = pairs.get(alg)!
    const { custodian, fake } = await worldOf(kind, both, account)
    const [key] = await custodian.keys()
    const signer = custodian.signer(key!)
    const message = fake.message('header.payload')
    expect(await verifyWith(both[0], await signer.sign(message), message)).toBe(true)
    // signature-by-another-key
    fake.signer = both[1]
    await expect(signer.sign(message)).rejects.toMatchObject({ kind: 'custody_malformed' })
  })

  it.each([
    ['vault', { data: { signature: 'vault:v1:AAAA' } }],
    ['aws_kms', { Signature: Buffer.from(derOf(new Uint8Array(64).fill(1))).toString('base64') }],
    ['google_kms', { signature: 'MAYCAQECAQE=' }],
  ] as const)('takes no other bytes for a signature: %s', async (kind, body) => {
    const { custodian, fake } = await worldOf(kind, pairs.get('ES256')!, account)
    const [key] = await custodian.keys()
    const signer = custodian.signer(key!)
    expect(await signer.sign(fake.message('m'))).toHaveLength(64)
    fake.instead = () => Response.json(body)
    await expect(signer.sign(fake.message('m'))).rejects.toMatchObject({
      kind: 'custody_malformed',
    })
  })
})
