/**
 * What an operator may write under `CUSTODIANS`: who keeps the keys that sign assertions, and who we are there.
 */
import { duration, list, oneOf, optional, type Parsed, table, text, variants } from './field.ts'
import { anyText, httpUrl, identifier, secretReference } from './words.ts'

const pathOfNames = text(
  /^[A-Za-z0-9_-]{1,64}(?:\/[A-Za-z0-9_-]{1,64})*$/,
  'must be a path such as "transit" or "team/transit", without slashes around it',
)
const timeout = optional(duration(1, 30), 5)

const vault = table({
  id: identifier,
  kind: oneOf(['vault']),
  url: httpUrl,
  timeout,
  namespace: optional(pathOfNames, undefined),
  mount: optional(pathOfNames, 'transit'),
  token: optional(secretReference, undefined),
  approle: optional(
    table({
      role_id: anyText,
      secret_id: secretReference,
      mount: optional(pathOfNames, 'approle'),
    }),
    undefined,
  ),
})

const awsKms = table({
  id: identifier,
  kind: oneOf(['aws_kms']),
  url: optional(httpUrl, undefined),
  timeout,
  region: text(/^[a-z]{2}(?:-[a-z]{2,12}){1,3}-[0-9]$/, 'must be a region such as "eu-central-1"'),
  access_key_id: secretReference,
  secret_access_key: secretReference,
})

const googleKms = table({
  id: identifier,
  kind: oneOf(['google_kms']),
  url: optional(httpUrl, 'https://cloudkms.googleapis.com'),
  timeout,
  service_account: optional(secretReference, undefined),
  access_token: optional(secretReference, undefined),
})

export const custodian = variants('kind', { vault, aws_kms: awsKms, google_kms: googleKms })

/** The keys of a site at its custodian. */
export const custodyKeys = table({
  sign: anyText,
  publish: optional(list(anyText), []),
})

export type WrittenCustodian = Parsed<typeof custodian>
