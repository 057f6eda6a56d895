import { describe, expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import {
  arnOf,
  custodyOf,
  secrets,
  versionOf,
  writtenAws,
  writtenGoogle,
  writtenVault,
} from '../world/custody-accounts.ts'
import { varsOf, writtenSite } from '../world/vars.ts'

type Table = Readonly<Record<string, unknown>>

const file = JSON.stringify({
  client_email: 'signer@shop.iam.gserviceaccount.com',
  private_key_id: 'k',
  private_key: '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n',
})
const env = { ...secrets, GOOGLE_ACCOUNT: file }

function problemsOf(vars: Record<string, unknown>): Readonly<Record<string, string>> {
  const parsed = parseConfig(vars)
  if (parsed.ok) return {}
  return Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

/** The problems of a configuration with this custodian, of a site with these keys there. */
const problems = (custodian: Table, key: unknown, site: Table = {}, more: Table = {}) =>
  problemsOf(
    varsOf({
      site: { assertion: { custodian: 'safe', key }, ...site },
      env: { ...env, CUSTODIANS: [custodian], ...more },
    }),
  )

const without = (table: Table, ...keys: readonly string[]): Table =>
  Object.fromEntries(Object.entries(table).filter(([key]) => !keys.includes(key)))

const vaultKey = { sign: 'shop:2' }
const awsKey = { sign: arnOf(1) }
const googleKey = { sign: versionOf(1) }
const honest = [
  ['vault', writtenVault, vaultKey],
  ['aws_kms', writtenAws, awsKey],
  ['google_kms', writtenGoogle, googleKey],
] as const

describe('a custodian', () => {
  it('is parsed with its defaults', () => {
    const vault = custodyOf(writtenVault, { sign: 'shop:2', publish: ['shop:3', 'shop:1'] })
    expect(vault).toMatchObject({
      sign: 'shop:2',
      publish: ['shop:3', 'shop:1'],
      account: { id: 'safe', url: 'https://vault.example.com', mount: 'transit', timeout: 5 },
    })
    expect(custodyOf(writtenAws, awsKey)).toMatchObject({
      publish: [],
      account: { url: 'https://kms.eu-central-1.amazonaws.com', insecure: false },
    })
    expect(custodyOf(writtenGoogle, googleKey, env)).toMatchObject({
      account: {
        url: 'https://cloudkms.googleapis.com',
        auth: { email: 'signer@shop.iam.gserviceaccount.com', keyId: 'k' },
      },
    })
  })

  it('is not needed: a site makes and keeps its own keys', () => {
    const parsed = parseConfig(varsOf())
    expect(parsed.ok && parsed.config.sites[0]!.assertion.custody).toBeUndefined()
  })

  it.each(honest)('of kind %s never prints its credentials', (_kind, written, key) => {
    expect(problems(written, key)).toEqual({})
    const text = JSON.stringify(custodyOf(written, key, env))
    expect(text).not.toMatch(/vault-token|wJalr|AKID|BEGIN/)
  })

  it.each(honest)('of kind %s has no keys that Sallyport does not know', (_kind, written, key) => {
    expect(Object.keys(problems({ ...written, zone: 'x' }, key))).toEqual(['CUSTODIANS[0].zone'])
    expect(Object.keys(problems(written, { ...key, newest: true }))).toEqual([
      'SITES[0].assertion.key.newest',
    ])
  })

  it('is of one of three kinds', () => {
    const { 'CUSTODIANS[0].kind': mend } = problems({ ...writtenVault, kind: 'Vault' }, vaultKey)
    expect(mend).toBe('must be one of "vault", "aws_kms", "google_kms"')
    expect(problems(without(writtenVault, 'kind'), vaultKey)).toHaveProperty(['CUSTODIANS[0].kind'])
    expect(problemsOf(varsOf({ env: { CUSTODIANS: ['vault'] } }))).toHaveProperty(['CUSTODIANS[0]'])
  })

  it.each(honest)('of kind %s is reached by https', (_kind, written, key) => {
    for (const url of [
      'http://vault.example.com',
      'http://10.0.0.1',
      'https://user:password@vault.example.com',
    ])
      expect(problems({ ...written, url }, key)).toHaveProperty(['CUSTODIANS[0].url'])
    const local = { ...written, url: 'http://127.0.0.1:8200' }
    const development = { hosts: ['localhost:8787'], development: true }
    expect(problems(local, key, development)).toEqual({})
    expect(problems(local, key)).toHaveProperty(['SITES[0].assertion.custodian'])
  })

  it('has one way of saying who we are', () => {
    const approle = { role_id: 'r', secret_id: { secret: 'VAULT_SECRET_ID' } }
    expect(problems({ ...without(writtenVault, 'token'), approle }, vaultKey)).toEqual({})
    for (const wrong of [without(writtenVault, 'token'), { ...writtenVault, approle }])
      expect(problems(wrong, vaultKey)).toHaveProperty(['CUSTODIANS[0]'])
    const access_token = { secret: 'VAULT_TOKEN' }
    const given = { ...without(writtenGoogle, 'service_account'), access_token }
    expect(problems(given, googleKey)).toEqual({})
    for (const wrong of [
      without(writtenGoogle, 'service_account'),
      { ...writtenGoogle, access_token },
    ])
      expect(problems(wrong, googleKey)).toHaveProperty(['CUSTODIANS[0]'])
    expect(problems(without(writtenAws, 'access_key_id'), awsKey)).toHaveProperty([
      'CUSTODIANS[0].access_key_id',
    ])
  })

  it('has credentials that are set, and fit for a header', () => {
    for (const [value, said] of [
      [undefined, 'not set'],
      ['vault-token\n', 'white space'],
      ['två', 'white space'],
    ]) {
      const found = problems(writtenVault, vaultKey, {}, { VAULT_TOKEN: value })
      expect(found['CUSTODIANS[0].token']).toContain(said)
      expect(JSON.stringify(found)).not.toMatch(/vault-token|två/)
    }
    for (const text of ['not JSON', '[]', '{"client_email":"a@b"}', '{"private_key":"x"}']) {
      const found = problems(writtenGoogle, googleKey, {}, { GOOGLE_ACCOUNT: text })
      expect(found['CUSTODIANS[0].service_account']).toContain('JSON key file')
    }
  })

  it('is of one name', () => {
    const found = problemsOf(varsOf({ env: { ...env, CUSTODIANS: [writtenVault, writtenAws] } }))
    expect(Object.keys(found)).toEqual(['CUSTODIANS[1].id'])
  })
})

describe('the keys of a site in custody', () => {
  it('go with a custodian that there is', () => {
    const at = (assertion: Table) =>
      problemsOf(varsOf({ site: { assertion }, env: { ...env, CUSTODIANS: [writtenVault] } }))
    expect(at({ custodian: 'safe', key: vaultKey })).toEqual({})
    expect(at({ custodian: 'save', key: vaultKey })).toEqual({
      'SITES[0].assertion.custodian': 'names no custodian; there are: safe',
    })
    for (const half of [{ custodian: 'safe' }, { key: vaultKey }])
      expect(Object.keys(at(half))).toEqual(['SITES[0].assertion'])
  })

  // alias-repointed
  it.each([
    ['vault', writtenVault, ['shop', 'shop:0', 'shop:latest', 'shop:01', '../x:1', 'a/b:1', ':1']],
    [
      'aws_kms',
      writtenAws,
      [
        'alias/assertions',
        'arn:aws:kms:eu-central-1:111122223333:alias/assertions',
        '00000001-0000-4000-8000-000000000000',
        arnOf(1).replace('eu-central-1', 'us-east-1'),
      ],
    ],
    [
      'google_kms',
      writtenGoogle,
      [
        versionOf(1).replace(/\/cryptoKeyVersions.*/, ''),
        `${versionOf(1)}/../2`,
        `${versionOf(1)}?x`,
        versionOf(0),
        `/${versionOf(1)}`,
      ],
    ],
  ] as const)(
    'are named by version, so that no name can mean another key tomorrow: %s',
    (kind, written, wrong) => {
      const [, , key] = honest.find(([other]) => other === kind)!
      expect(problems(written, key)).toEqual({})
      for (const name of wrong) {
        expect(problems(written, { sign: name })).toHaveProperty(['SITES[0].assertion.key.sign'])
        expect(problems(written, { ...key, publish: [name] })).toHaveProperty([
          'SITES[0].assertion.key.publish[0]',
        ])
      }
    },
  )

  it('may be those of a multi-Region key, and of other partitions', () => {
    const mrk = `arn:aws:kms:eu-central-1:111122223333:key/mrk-${'0a'.repeat(16)}`
    expect(problems(writtenAws, { sign: mrk })).toEqual({})
    const gov = arnOf(1).replace('arn:aws:kms:eu-central-1', 'arn:aws-us-gov:kms:us-gov-west-1')
    expect(problems({ ...writtenAws, region: 'us-gov-west-1' }, { sign: gov })).toEqual({})
  })

  it('are named once', () => {
    for (const publish of [['shop:2'], ['shop:3', 'shop:3']])
      expect(problems(writtenVault, { sign: 'shop:2', publish })).toHaveProperty([
        'SITES[0].assertion.key',
      ])
  })

  // key-of-two-sites
  it('are of one site alone', () => {
    const vars = (key: Table, second: Table = writtenVault) =>
      problemsOf({
        ...varsOf({ site: { assertion: { custodian: 'safe', key: vaultKey } }, env }),
        CUSTODIANS: [writtenVault, { ...second, id: 'other' }],
        SITES: [
          { ...writtenSite, assertion: { custodian: 'safe', key: vaultKey } },
          {
            ...writtenSite,
            id: 'blog',
            hosts: ['blog.example.com'],
            assertion: { custodian: 'other', key },
          },
        ],
      })
    expect(vars({ sign: 'blog:1' })).toEqual({})
    expect(vars(vaultKey, { ...writtenVault, mount: 'elsewhere' })).toEqual({})
    for (const key of [vaultKey, { sign: 'blog:1', publish: ['shop:2'] }])
      expect(vars(key)).toEqual({
        'SITES[1].assertion.key': 'names shop:2, which is a key of the site shop',
      })
  })
})
