import { beforeAll, describe, expect, it } from 'vitest'

import type { CustodyKey } from '../../../../src/keys/custody/custodian.ts'
import { custodianOf } from '../../../../src/keys/custody/custodian-of.ts'
import {
  custodyOf,
  serviceAccountOf,
  versionOf,
  writtenGoogle,
} from '../../world/custody-accounts.ts'
import { fakeGoogle, makePair, type Pair } from '../../world/custodians.ts'

type Table = Readonly<Record<string, unknown>>

let pair: Pair
let account: Pair
let otherAccount: Pair
let file: string

beforeAll(async () => {
  pair = await makePair('ES256')
  account = await makePair('RS256')
  otherAccount = await makePair('RS256')
  file = await serviceAccountOf(account.privateKey)
})

function world(written: Table = writtenGoogle, env: Table = {}) {
  const clock = { now: 1_790_000_000 }
  const now = () => clock.now
  const fake = fakeGoogle({ [versionOf(1)]: pair }, account, now)
  const custody = custodyOf(written, { sign: versionOf(1) }, { GOOGLE_ACCOUNT: file, ...env })
  const custodian = custodianOf(custody, { outbound: fake.outbound, now })
  const grants = () => fake.sent.filter(({ url }) => url.host === 'oauth2.googleapis.com')
  const sign = (key: CustodyKey) => custodian.signer(key).sign(fake.message('m'))
  return { clock, fake, custodian, grants, sign }
}

const fails = (work: Promise<unknown>, kind: string) =>
  expect(work).rejects.toMatchObject({ name: 'Fault', kind })

describe('Google Cloud KMS', () => {
  it('is asked by the documented paths, with a token for a service account’s JWT', async () => {
    const { fake, custodian, sign } = world()
    const [key] = await custodian.keys()
    expect(key!.createdAt).toBeUndefined()
    await sign(key!)
    expect(fake.sent.map(({ method, url }) => `${method} ${url.href}`)).toEqual([
      'POST https://oauth2.googleapis.com/token',
      `GET https://cloudkms.googleapis.com/v1/${versionOf(1)}/publicKey`,
      `POST https://cloudkms.googleapis.com/v1/${versionOf(1)}:asymmetricSign`,
    ])
  })

  it('gives a token once, which is held till shortly before its end', async () => {
    const { clock, custodian, grants, sign } = world()
    const [key] = await custodian.keys()
    clock.now += 3599 - 61
    await sign(key!)
    expect(grants()).toHaveLength(1)
    clock.now += 1
    await sign(key!)
    expect(grants()).toHaveLength(2)
  })

  it('is asked with the token that the configuration gives', async () => {
    const { service_account: _, ...rest } = writtenGoogle
    const written = { ...rest, access_token: { secret: 'GOOGLE_TOKEN' } }
    const { custodian, grants } = world(written, { GOOGLE_TOKEN: 'given-token' })
    expect(await custodian.keys()).toHaveLength(1)
    expect(grants()).toHaveLength(0)
    await fails(world(written, { GOOGLE_TOKEN: 'old' }).custodian.keys(), 'custody_refused')
  })

  it('never sees the account’s key at another address than its own, whatever the key file says', async () => {
    expect(file).toContain('evil.example')
    const { fake, custodian } = world()
    await custodian.keys()
    expect(fake.sent.map(({ url }) => url.host)).not.toContain('evil.example')
  })

  it('gives no token to another account', async () => {
    await world().custodian.keys()
    const other = await serviceAccountOf(otherAccount.privateKey)
    await fails(world(writtenGoogle, { GOOGLE_ACCOUNT: other }).custodian.keys(), 'custody_refused')
  })

  it('gives what is no token, which is a fault', async () => {
    for (const answer of [
      {},
      { access_token: 'x' },
      { access_token: 'x', expires_in: 0 },
      { access_token: 'x y', expires_in: 60 },
      { access_token: 7, expires_in: 60 },
    ]) {
      const { fake, custodian } = world()
      fake.instead = () => Response.json(answer)
      await fails(custodian.keys(), 'custody_malformed')
    }
  })

  it('cannot be asked with an account whose key is broken, and the fault does not quote it', async () => {
    const broken = file.replace(/(BEGIN PRIVATE KEY-----\\n).{40}/, '$1')
    const { custodian } = world(writtenGoogle, { GOOGLE_ACCOUNT: broken })
    const fault: unknown = await custodian.keys().catch((error: unknown) => error)
    expect(fault).toMatchObject({ name: 'Fault', kind: 'configuration' })
    expect(fault).not.toHaveProperty('cause')
    expect(String(fault)).not.toContain('PRIVATE')
  })

  it('is asked in vain for a key with another algorithm', async () => {
    const { fake, custodian } = world()
    for (const algorithm of [
      'RSA_SIGN_PSS_2048_SHA256',
      'GOOGLE_SYMMETRIC_ENCRYPTION',
      undefined,
    ]) {
      fake.instead = ({ url }) =>
        url.host === 'oauth2.googleapis.com' ? undefined : Response.json({ algorithm, pem: 'x' })
      await fails(custodian.keys(), 'custody_refused')
    }
  })
})
