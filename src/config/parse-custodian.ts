/**
 * `CUSTODIANS[]` → `CustodyAccount`, and a site's `assertion.custodian` with `assertion.key` → `SiteCustody`.
 */
import type { Site } from './config.ts'
import type {
  AwsAccount,
  CustodyAccount,
  CustodyParty,
  GoogleAccount,
  SiteCustody,
  VaultAccount,
} from './custody.ts'
import type { WrittenCustodian } from './custodian-schema.ts'
import { isTable, type Report } from './field.ts'
import { isLoopback } from './loopback.ts'
import type { WrittenSite } from './schema.ts'
import { Secret } from '../secret.ts'
import { type Env, secretNamed } from './secrets.ts'

type Written<K extends WrittenCustodian['kind']> = Extract<WrittenCustodian, { readonly kind: K }>
type Reference = { readonly secret: string }

export function parseCustodian(
  written: WrittenCustodian,
  path: string,
  env: Env,
  report: Report,
): CustodyAccount {
  switch (written.kind) {
    case 'vault':
      return Object.freeze(parseVault(written, path, env, report))
    case 'aws_kms':
      return Object.freeze(parseAws(written, path, env, report))
    case 'google_kms':
      return Object.freeze(parseGoogle(written, path, env, report))
  }
}

function parseParty(
  { id, timeout }: Pick<WrittenCustodian, 'id' | 'timeout'>,
  written: string,
  path: string,
  report: Report,
): CustodyParty {
  const url = URL.parse(written)
  const insecure = url?.protocol === 'http:'
  if (url === null || url.username !== '' || (insecure && !isLoopback(url.hostname))) {
    report(
      `${path}.url`,
      'must be an https URL without credentials; plain http is for a custodian on localhost only',
    )
  }
  return { id, url: written.replace(/\/+$/, ''), timeout, insecure }
}

function parseVault(
  written: Written<'vault'>,
  path: string,
  env: Env,
  report: Report,
): VaultAccount {
  const { namespace, mount, token, approle } = written
  if ((token === undefined) === (approle === undefined))
    report(path, 'must have exactly one of token, approle: who we are there')
  return {
    kind: 'vault',
    ...parseParty(written, written.url, path, report),
    namespace,
    mount,
    auth:
      approle === undefined
        ? { method: 'token', token: credential(token, `${path}.token`, env, report) }
        : {
            method: 'approle',
            mount: approle.mount,
            roleId: approle.role_id,
            secretId: credential(approle.secret_id, `${path}.approle.secret_id`, env, report),
          },
  }
}

function parseAws(written: Written<'aws_kms'>, path: string, env: Env, report: Report): AwsAccount {
  const { region, access_key_id: id, secret_access_key: secret } = written
  const url = written.url ?? `https://kms.${region}.amazonaws.com`
  return {
    kind: 'aws_kms',
    ...parseParty(written, url, path, report),
    region,
    accessKeyId: credential(id, `${path}.access_key_id`, env, report),
    secretAccessKey: credential(secret, `${path}.secret_access_key`, env, report),
  }
}

function parseGoogle(
  written: Written<'google_kms'>,
  path: string,
  env: Env,
  report: Report,
): GoogleAccount {
  const { service_account: account, access_token: token } = written
  if ((account === undefined) === (token === undefined))
    report(path, 'must have exactly one of service_account, access_token: who we are there')
  return {
    kind: 'google_kms',
    ...parseParty(written, written.url, path, report),
    auth:
      account === undefined
        ? { method: 'token', token: credential(token, `${path}.access_token`, env, report) }
        : parseServiceAccount(account, `${path}.service_account`, env, report),
  }
}

/** What goes into a header or a signature as it is: white space around it is an accident, and breaks it. */
function credential(
  reference: Reference | undefined,
  path: string,
  env: Env,
  report: Report,
): Secret {
  if (reference === undefined) return new Secret('')
  const secret = secretNamed(reference.secret, path, env, report)
  if (!/^[\x21-\x7E]*$/.test(secret.reveal()))
    report(path, `names the secret ${reference.secret}, which holds white space or a line's end`)
  return secret
}

/** The JSON file that Google gives out for a key of a service account; its addresses are not followed. */
function parseServiceAccount(
  reference: Reference,
  path: string,
  env: Env,
  report: Report,
): GoogleAccount['auth'] {
  const secret = secretNamed(reference.secret, path, env, report)
  const file = secret.reveal() === '' ? {} : jsonTable(secret.reveal())
  const [email, keyId, pem] = ['client_email', 'private_key_id', 'private_key'].map((name) => {
    const member = file[name]
    return typeof member === 'string' ? member : ''
  })
  const whole = email?.includes('@') && keyId !== '' && pem?.includes('-----BEGIN PRIVATE KEY-----')
  if (secret.reveal() !== '' && !whole) {
    report(
      path,
      `names the secret ${reference.secret}, which must hold the JSON key file of a service account ` +
        '(client_email, private_key_id, private_key)',
    )
  }
  return {
    method: 'service_account',
    email: email ?? '',
    keyId: keyId ?? '',
    privateKey: new Secret(pem ?? ''),
  }
}

function jsonTable(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json)
    return isTable(value) ? value : {}
  } catch {
    // Not JSON: the report names the path. The text is a secret and is not quoted.
    return {}
  }
}

/**
 * One version of one key, in the one spelling that can name nothing else tomorrow: no alias, no "newest".
 * attack: alias-repointed
 */
const keyNames = {
  vault: {
    pattern: /^[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?:[1-9][0-9]{0,5}$/,
    mend: 'must be the name and the version of a Transit key, such as "assertions:3"',
  },
  aws_kms: {
    pattern:
      /^arn:aws[a-z-]*:kms:([a-z0-9-]+):[0-9]{12}:key\/(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$/,
    mend: 'must be the ARN of a key: not its id alone, not an alias, which can be pointed at another key',
  },
  google_kms: {
    pattern:
      /^projects\/[a-z0-9:.-]{1,64}\/locations\/[a-z0-9-]{1,63}\/keyRings\/[A-Za-z0-9_-]{1,63}\/cryptoKeys\/[A-Za-z0-9_-]{1,63}\/cryptoKeyVersions\/[1-9][0-9]{0,8}$/,
    mend: 'must be the resource name of a key version: projects/…/cryptoKeys/…/cryptoKeyVersions/1',
  },
} as const

export function parseSiteCustody(
  { assertion, development }: Pick<WrittenSite, 'assertion' | 'development'>,
  sitePath: string,
  custodians: readonly CustodyAccount[],
  report: Report,
): SiteCustody | undefined {
  const { custodian, key } = assertion
  const path = `${sitePath}.assertion`
  if (custodian === undefined && key === undefined) return undefined
  if (custodian === undefined || key === undefined)
    return report(path, 'must have custodian and key, or neither')
  const account = custodians.find(({ id }) => id === custodian)
  if (account === undefined) {
    const known = custodians.map(({ id }) => id).join(', ') || 'none'
    return report(`${path}.custodian`, `names no custodian; there are: ${known}`)
  }
  if (account.insecure && !development) {
    report(
      `${path}.custodian`,
      'speaks plain http, which only a site with development = true may use',
    )
  }
  checkKeyName(key.sign, `${path}.key.sign`, account, report)
  for (const [i, name] of key.publish.entries())
    checkKeyName(name, `${path}.key.publish[${i}]`, account, report)
  const names = [key.sign, ...key.publish]
  if (new Set(names).size !== names.length)
    report(`${path}.key`, 'names a key twice; the one that signs is published anyway')
  return { account, sign: key.sign, publish: key.publish }
}

function checkKeyName(name: string, path: string, account: CustodyAccount, report: Report): void {
  const { pattern, mend } = keyNames[account.kind]
  const match = pattern.exec(name)
  if (match === null) report(path, mend)
  else if (account.kind === 'aws_kms' && match[1] !== account.region)
    report(path, `is a key in ${match[1] ?? ''}; the custodian's region is ${account.region}`)
}

/** Sites are apart: with one key for two, the assertion of one would verify at the other. attack: key-of-two-sites */
export function reportSharedKeys(sites: readonly Site[], report: Report): void {
  const owners = new Map<string, string>()
  for (const [i, { id, assertion }] of sites.entries()) {
    if (assertion.custody === undefined) continue
    const { account, sign, publish } = assertion.custody
    for (const name of [sign, ...publish]) {
      const key = JSON.stringify([account.kind, account.url, placeOf(account), name])
      const owner = owners.get(key)
      if (owner === undefined || owner === id) owners.set(key, id)
      else report(`SITES[${i}].assertion.key`, `names ${name}, which is a key of the site ${owner}`)
    }
  }
}

/** Where a key's name means something: ARNs and resource names say it themselves. */
function placeOf(account: CustodyAccount): string {
  return account.kind === 'vault' ? `${account.namespace ?? ''}/${account.mount}` : ''
}
