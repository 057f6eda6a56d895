import { beforeAll, describe, expect, it } from 'vitest'

import type { CustodyKey } from '../../../../src/keys/custody/custodian.ts'
import { custodianOf } from '../../../../src/keys/custody/custodian-of.ts'
import { custodyOf, writtenVault } from '../../world/custody-accounts.ts'
import { fakeVault, makePair, type Pair } from '../../world/custodians.ts'

type Table = Readonly<Record<string, unknown>>

let pair: Pair

beforeAll(async () => {
  pair = await makePair('ES256')
})

const approle = { role_id: 'role-id', secret_id: { secret: 'VAULT_SECRET_ID' } }
const byRole = { ...writtenVault, token: undefined, approle }

function world(written: Table = writtenVault, key: Table = { sign: 'shop:1' }) {
  const clock = { now: 1_790_000_000 }
  const fake = fakeVault({ shop: [pair, pair] })
  const { token, ...rest } = written
  const custody = custodyOf(token === undefined ? rest : written, key)
  const custodian = custodianOf(custody, { outbound: fake.outbound, now: () => clock.now })
  const logins = () => fake.sent.filter(({ url }) => url.pathname.endsWith('/login'))
  return { clock, fake, custodian, logins }
}

const fails = (work: Promise<unknown>, kind: string) =>
  expect(work).rejects.toMatchObject({ name: 'Fault', kind })

describe('Vault', () => {
  it('is asked by the documented paths, and says when a key was made', async () => {
    const { fake, custodian } = world()
    const [key] = await custodian.keys()
    expect(key!.createdAt).toBe(Date.UTC(2026, 0, 2, 3, 4, 5) / 1000)
    await custodian.signer(key!).sign(fake.message('m'))
    expect(fake.sent.map(({ method, url }) => `${method} ${url.href}`)).toEqual([
      'GET https://vault.example.com/v1/transit/keys/shop',
      'POST https://vault.example.com/v1/transit/sign/shop',
    ])
    expect(fake.sent[0]!.headers.has('x-vault-namespace')).toBe(false)
  })

  it('is asked in its namespace and at its mount, where they are configured', async () => {
    const { fake, custodian } = world({ ...writtenVault, namespace: 'team/a', mount: 'keys/jwt' })
    await fails(custodian.keys(), 'custody_refused')
    expect(fake.sent[0]!.url.href).toBe('https://vault.example.com/v1/keys/jwt/keys/shop')
    expect(fake.sent[0]!.headers.get('x-vault-namespace')).toBe('team/a')
  })

  it('is asked once for a key with several versions', async () => {
    const { fake, custodian } = world(writtenVault, { sign: 'shop:2', publish: ['shop:1'] })
    expect(fake.sent).toHaveLength(0)
    expect(await custodian.keys()).toHaveLength(2)
    expect(fake.sent).toHaveLength(1)
  })

  it.each([
    ['of a kind that signs otherwise', { type: 'ecdsa-p384' }, 'custody_refused'],
    ['for encryption', { type: 'aes256-gcm96' }, 'custody_refused'],
    ['that is derived', { type: 'ed25519', derived: true }, 'custody_refused'],
    ['whose version is archived', { keys: { 2: {} } }, 'custody_refused'],
    ['without versions', { keys: null }, 'custody_refused'],
    ['without its public key', { keys: { 1: {} } }, 'custody_malformed'],
    ['whose public key is broken', { keys: { 1: { public_key: 'x' } } }, 'custody_malformed'],
    [
      'whose public key is not of its type',
      { type: 'ed25519', keys: { 1: { public_key: 'AAAA' } } },
      'custody_malformed',
    ],
  ])('is asked in vain for a key %s', async (_what, changes, kind) => {
    const { fake, custodian } = world()
    const answer = (await (
      await fake.outbound({ timeout: 1, insecure: false }, 'https://v/v1/transit/keys/shop', {
        headers: { 'x-vault-token': 'vault-token' },
      })
    ).json()) as { readonly data: Table }
    fake.instead = () => Response.json(answer)
    expect(await custodian.keys()).toHaveLength(1)
    fake.instead = () => Response.json({ data: { ...answer.data, ...changes } })
    await fails(custodian.keys(), kind)
  })
})

describe('a token from an AppRole', () => {
  const sign = ({ custodian, fake }: ReturnType<typeof world>, key: CustodyKey) =>
    custodian.signer(key).sign(fake.message('m'))

  it('is fetched once, and held till shortly before its lease ends', async () => {
    const there = world(byRole)
    const [key] = await there.custodian.keys()
    await sign(there, key!)
    there.clock.now += 3600 - 61
    await sign(there, key!)
    expect(there.logins()).toHaveLength(1)
    expect(there.logins()[0]!.headers.has('x-vault-token')).toBe(false)
    there.clock.now += 1
    await sign(there, key!)
    expect(there.logins()).toHaveLength(2)
  })

  it('is held for ever where its lease has no end', async () => {
    const there = world(byRole)
    there.fake.lease.seconds = 0
    const [key] = await there.custodian.keys()
    there.clock.now += 10_000_000
    await sign(there, key!)
    expect(there.logins()).toHaveLength(1)
  })

  it('is fetched anew where it was revoked, and the request does not fail', async () => {
    const there = world(byRole)
    const [key] = await there.custodian.keys()
    there.fake.tokens.clear()
    there.clock.now += 31
    await sign(there, key!)
    expect(there.logins()).toHaveLength(2)
  })

  it('is not fetched again and again where the custodian refuses for other reasons', async () => {
    const there = world(byRole)
    const [key] = await there.custodian.keys()
    there.fake.instead = ({ url }) =>
      url.pathname.endsWith('/login') ? undefined : new Response('{}', { status: 403 })
    there.clock.now += 31
    for (let i = 0; i < 10; i++) await fails(sign(there, key!), 'custody_refused')
    expect(there.logins()).toHaveLength(2)
  })

  it('that the custodian does not grant is a fault', async () => {
    const there = world(byRole)
    there.fake.instead = () => new Response('{}', { status: 400 })
    await fails(there.custodian.keys(), 'custody_refused')
    for (const auth of [
      null,
      { client_token: 'x' },
      { client_token: 'x', lease_duration: '60' },
      { client_token: 'x\r\nx-other: y', lease_duration: 60 },
      { client_token: '', lease_duration: 60 },
      { client_token: 'x', lease_duration: -1 },
    ]) {
      there.fake.instead = () => Response.json({ auth })
      await fails(there.custodian.keys(), 'custody_malformed')
    }
  })
})
