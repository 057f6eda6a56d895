import { generateKeyPairSync, type KeyObject } from 'node:crypto'

import { beforeAll, describe, expect, it } from 'vitest'

import { custodianOf } from '../../../../src/keys/custody/custodian-of.ts'
import { arnOf, custodyOf, writtenAws } from '../../world/custody-accounts.ts'
import { fakeAws, makePair, type Pair } from '../../world/custodians.ts'

let pair: Pair
let edwards: Pair

beforeAll(async () => {
  pair = await makePair('ES256')
  edwards = await makePair('EdDSA')
})

function world(key: Pair = pair, env: Readonly<Record<string, unknown>> = {}) {
  const clock = { now: Date.UTC(2026, 10, 21, 12, 34, 56) / 1000 }
  const fake = fakeAws({ [arnOf(1)]: key })
  const custody = custodyOf(writtenAws, { sign: arnOf(1) }, env)
  const custodian = custodianOf(custody, { outbound: fake.outbound, now: () => clock.now })
  return { fake, custodian }
}

const fails = (work: Promise<unknown>, kind: string) =>
  expect(work).rejects.toMatchObject({ name: 'Fault', kind })

describe('AWS KMS', () => {
  it('is asked at its region’s address, with requests signed for it and for this second', async () => {
    const { fake, custodian } = world()
    const [key] = await custodian.keys()
    await custodian.signer(key!).sign(fake.message('m'))
    for (const { url, method, headers } of fake.sent) {
      expect(`${method} ${url.href}`).toBe('POST https://kms.eu-central-1.amazonaws.com/')
      expect(headers.get('content-type')).toBe('application/x-amz-json-1.1')
      expect(headers.get('x-amz-date')).toBe('20261121T123456Z')
      expect(headers.get('authorization')).toContain('/20261121/eu-central-1/kms/aws4_request')
    }
  })

  it('refuses who signs with another secret', async () => {
    await world().custodian.keys()
    await fails(world(pair, { AWS_SECRET: 'another' }).custodian.keys(), 'custody_refused')
  })

  it('is asked in vain for a key that does not sign assertions', async () => {
    await fails(world(edwards).custodian.keys(), 'custody_refused')
    const { fake, custodian } = world()
    for (const changes of [
      { SigningAlgorithms: ['ECDSA_SHA_384'] },
      { SigningAlgorithms: [] },
      { SigningAlgorithms: 'ECDSA_SHA_256' },
      { SigningAlgorithms: undefined, EncryptionAlgorithms: ['RSAES_OAEP_SHA_256'] },
    ]) {
      const good = { SigningAlgorithms: ['ECDSA_SHA_256'], PublicKey: 'AAAA' }
      fake.instead = () => Response.json({ ...good, ...changes })
      await fails(custodian.keys(), 'custody_refused')
    }
  })

  it('is not believed where the public key is not for the key’s algorithm, or too short', async () => {
    const there = world()
    const answer = await there.custodian.keys()
    expect(answer).toHaveLength(1)
    const spki = (key: KeyObject) => key.export({ type: 'spki', format: 'der' }).toString('base64')
    const short = spki(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
    const otherCurve = spki(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).publicKey)
    for (const [algorithm, PublicKey] of [
      ['RSASSA_PKCS1_V1_5_SHA_256', short],
      ['ECDSA_SHA_256', short],
      ['ECDSA_SHA_256', otherCurve],
      ['ECDSA_SHA_256', ''],
      ['ECDSA_SHA_256', 'AAAA'],
    ]) {
      there.fake.instead = () => Response.json({ SigningAlgorithms: [algorithm], PublicKey })
      await fails(there.custodian.keys(), 'custody_malformed')
    }
  })
})
