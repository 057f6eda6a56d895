/** Sites with each kind of custodian, from written configuration to `Custodian`, with the fake behind it. */
import { type CryptoKey, exportPKCS8 } from 'jose'

import type { Site } from '../../../src/config/config.ts'
import type { SiteCustody } from '../../../src/config/custody.ts'
import type { Custodian } from '../../../src/keys/custody/custodian.ts'
import { custodianOf } from '../../../src/keys/custody/custodian-of.ts'
import {
  awsCredentials,
  type Fake,
  fakeAws,
  fakeGoogle,
  fakeVault,
  type Pair,
} from './custodians.ts'
import { siteOf } from './vars.ts'

type Table = Readonly<Record<string, unknown>>

export const arnOf = (digit: number) =>
  `arn:aws:kms:eu-central-1:111122223333:key/0000000${digit}-0000-4000-8000-000000000000`
export const versionOf = (number: number) =>
  `projects/shop/locations/europe-west3/keyRings/sallyport/cryptoKeys/assertions/cryptoKeyVersions/${number}`

export const writtenVault: Table = {
  id: 'safe',
  kind: 'vault',
  url: 'https://vault.example.com/',
  token: { secret: 'VAULT_TOKEN' },
}
export const writtenAws: Table = {
  id: 'safe',
  kind: 'aws_kms',
  region: 'eu-central-1',
  access_key_id: { secret: 'AWS_ID' },
  secret_access_key: { secret: 'AWS_SECRET' },
}
export const writtenGoogle: Table = {
  id: 'safe',
  kind: 'google_kms',
  service_account: { secret: 'GOOGLE_ACCOUNT' },
}

export async function serviceAccountOf(privateKey: CryptoKey): Promise<string> {
  return JSON.stringify({
    type: 'service_account',
    client_email: 'signer@shop.iam.gserviceaccount.com',
    private_key_id: 'account-key',
    private_key: await exportPKCS8(privateKey),
    token_uri: 'https://evil.example/token',
  })
}

export const secrets: Table = {
  VAULT_TOKEN: 'vault-token',
  VAULT_SECRET_ID: 'secret-id',
  AWS_ID: awsCredentials.id,
  AWS_SECRET: awsCredentials.secret,
}

/** A site whose keys lie with the custodian. */
export function custodySite(custodian: Table, key: Table, env: Table = {}): Site {
  return siteOf({
    site: { assertion: { custodian: 'safe', key } },
    env: { CUSTODIANS: [custodian], ...secrets, ...env },
  })
}

export function custodyOf(custodian: Table, key: Table, env: Table = {}): SiteCustody {
  const { custody } = custodySite(custodian, key, env).assertion
  if (custody === undefined) throw new Error('the site has no custody')
  return custody
}

export interface World {
  readonly fake: Fake
  readonly names: readonly [string, string]
  readonly custody: SiteCustody
  readonly custodian: Custodian
  readonly clock: { now: number }
}

export const kinds = ['vault', 'aws_kms', 'google_kms'] as const

/** Two keys: the first signs, the second is published beside it. */
export async function worldOf(
  kind: (typeof kinds)[number],
  [first, second]: readonly [Pair, Pair],
  account: Pair,
): Promise<World> {
  const clock = { now: 1_790_000_000 }
  const now = () => clock.now
  const { fake, written, names } = ((): Pick<World, 'fake' | 'names'> & { written: Table } => {
    switch (kind) {
      case 'vault':
        // The version that signs is not the newest.
        return {
          fake: fakeVault({ shop: [first, second] }),
          written: writtenVault,
          names: ['shop:1', 'shop:2'],
        }
      case 'aws_kms': {
        const keys = { [arnOf(1)]: first, [arnOf(2)]: second }
        return { fake: fakeAws(keys), written: writtenAws, names: [arnOf(1), arnOf(2)] }
      }
      case 'google_kms': {
        const keys = { [versionOf(1)]: first, [versionOf(2)]: second }
        const fakeOfGoogle = fakeGoogle(keys, account, now)
        return { fake: fakeOfGoogle, written: writtenGoogle, names: [versionOf(1), versionOf(2)] }
      }
    }
  })()
  const custody = custodyOf(
    written,
    { sign: names[0], publish: [names[1]] },
    { GOOGLE_ACCOUNT: await serviceAccountOf(account.privateKey) },
  )
  const custodian = custodianOf(custody, { outbound: fake.outbound, now })
  return { fake, names, custody, custodian, clock }
}
