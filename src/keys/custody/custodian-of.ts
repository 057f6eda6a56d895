/**
 * A site's configuration → its custodian.
 */
import type { CustodyAccount, SiteCustody } from '../../config/custody.ts'
import { awsKms } from './aws-kms.ts'
import type { Custodian, CustodyApi, CustodyPorts } from './custodian.ts'
import { googleKms } from './google-kms.ts'
import { vaultTransit } from './vault-transit.ts'
import { verifiedSigner } from './verified-signer.ts'

/** Asks nobody yet. It keeps access tokens, so an isolate makes one for a site and keeps it. */
export function custodianOf(
  { account, sign, publish }: SiteCustody,
  ports: CustodyPorts,
): Custodian {
  const api = apiOf(account, ports)
  return {
    keys: () => api.keys([sign, ...publish]),
    signer: (key) => verifiedSigner(api, key),
  }
}

function apiOf(account: CustodyAccount, ports: CustodyPorts): CustodyApi {
  switch (account.kind) {
    case 'vault':
      return vaultTransit(account, ports)
    case 'aws_kms':
      return awsKms(account, ports)
    case 'google_kms':
      return googleKms(account, ports)
  }
}
