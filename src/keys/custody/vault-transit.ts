/**
 * Keys in the Transit engine of HashiCorp Vault or OpenBao. A name is `<key>:<version>`: which version signs is ours
 * to say, or a rotation there would sign with a key that no origin has seen.
 *
 * P-256 and RSA keys are given a digest, so that what an assertion says of a person stays here; Ed25519 needs the
 * whole message.
 */
import type { VaultAccount } from '../../config/custody.ts'
import { decodeBase64url, encodeBase64url } from '../../base64url.ts'
import { sha256OfBytes } from '../../digest.ts'
import { Fault } from '../../fault.ts'
import type { AssertionAlgorithm } from '../signer.ts'
import { AccessToken, type Granted } from './access-token.ts'
import { type Answer, ask, memberOf, textOf } from './answer.ts'
import { decodeBase64, encodeBase64 } from './base64.ts'
import type { CustodyApi, CustodyKey, CustodyPorts } from './custodian.ts'
import { custodyKeyOfJwk, custodyKeyOfPem } from './public-key.ts'

const algorithmOfType: ReadonlyMap<unknown, AssertionAlgorithm> = new Map([
  ['ecdsa-p256', 'ES256'],
  ['ed25519', 'EdDSA'],
  ['rsa-2048', 'RS256'],
  ['rsa-3072', 'RS256'],
  ['rsa-4096', 'RS256'],
])

export function vaultTransit(account: VaultAccount, { outbound, now }: CustodyPorts): CustodyApi {
  const namespace: Record<string, string> =
    account.namespace === undefined ? {} : { 'x-vault-namespace': account.namespace }
  const send = (purpose: string, path: string, token: string | undefined, body?: object) =>
    ask(outbound, account, {
      purpose,
      url: `${account.url}/v1/${path}`,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        ...namespace,
        ...(token === undefined ? {} : { 'x-vault-token': token }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
  const token = new AccessToken(() => logIn(account, send), now)
  const authorized = (purpose: string, path: string, body?: object) =>
    token.use((value) => send(purpose, `${account.mount}/${path}`, value, body))

  return {
    async keys(names) {
      const versions = names.map(partsOf)
      const answers = new Map<string, Answer>()
      for (const { key } of versions) {
        if (!answers.has(key))
          answers.set(key, await authorized(`read ${key}`, `keys/${encodeURIComponent(key)}`))
      }
      return Promise.all(
        versions.map(({ key, version }) => readVersion(answers.get(key) ?? {}, key, version)),
      )
    },

    async sign({ name, alg }, data) {
      const { key, version } = partsOf(name)
      const answer = await authorized(`sign with ${name}`, `sign/${encodeURIComponent(key)}`, {
        key_version: version,
        marshaling_algorithm: 'jws',
        ...(alg === 'EdDSA'
          ? { input: encodeBase64(data) }
          : {
              input: encodeBase64(await sha256OfBytes(data)),
              prehashed: true,
              hash_algorithm: 'sha2-256',
              ...(alg === 'RS256' ? { signature_algorithm: 'pkcs1v15' } : {}),
            }),
      })
      const [, by, text = ''] =
        /^vault:v([1-9][0-9]{0,9}):([A-Za-z0-9_-]+)$/.exec(textOf(answer, 'data', 'signature')) ??
        []
      const signature = decodeBase64url(text)
      if (by === undefined || signature === undefined)
        throw new Fault(
          'custody_malformed',
          `what ${account.id} signed with ${name} is no signature`,
        )
      if (Number(by) !== version)
        throw new Fault('custody_malformed', `${account.id} signed with version ${by} of ${name}`)
      return signature
    },
  }
}

type Send = (
  purpose: string,
  path: string,
  token: string | undefined,
  body?: object,
) => Promise<Answer>

/** A token of the configuration is held for ever: Vault says when it is over. */
async function logIn({ auth, id }: VaultAccount, send: Send): Promise<Granted> {
  if (auth.method === 'token') return { token: auth.token.reveal(), lifetime: Infinity }
  const answer = await send('log in', `auth/${auth.mount}/login`, undefined, {
    role_id: auth.roleId,
    secret_id: auth.secretId.reveal(),
  })
  const token = textOf(answer, 'auth', 'client_token')
  const lease = memberOf(answer, 'auth', 'lease_duration')
  if (!/^[\x21-\x7E]+$/.test(token) || typeof lease !== 'number' || lease < 0)
    throw new Fault('custody_malformed', `${id} gave no token with a lifetime`)
  // No end is written as 0.
  return { token, lifetime: lease === 0 ? Infinity : lease }
}

/** The configuration has checked the form. */
function partsOf(name: string): { readonly key: string; readonly version: number } {
  const colon = name.lastIndexOf(':')
  return { key: name.slice(0, colon), version: Number(name.slice(colon + 1)) }
}

async function readVersion(answer: Answer, key: string, version: number): Promise<CustodyKey> {
  const name = `${key}:${version}`
  const alg = algorithmOfType.get(memberOf(answer, 'data', 'type'))
  if (alg === undefined || memberOf(answer, 'data', 'derived') === true)
    throw new Fault(
      'custody_refused',
      `${key} must be of type ecdsa-p256, ed25519, or rsa-2048 to rsa-4096, and not derived`,
    )
  const entry = ['data', 'keys', String(version)]
  if (memberOf(answer, ...entry) === undefined)
    throw new Fault('custody_refused', `${key} has no version ${version}, or it is archived`)
  const publicKey = textOf(answer, ...entry, 'public_key')
  const createdAt = secondsOf(memberOf(answer, ...entry, 'creation_time'))
  if (alg !== 'EdDSA') return custodyKeyOfPem(name, alg, publicKey, createdAt)
  // Not SPKI: the 32 bytes of RFC 8032.
  const point = decodeBase64(publicKey)
  if (point?.length !== 32)
    throw new Fault('custody_malformed', `${name} has no public key for Ed25519`)
  return custodyKeyOfJwk(
    name,
    alg,
    { kty: 'OKP', crv: 'Ed25519', x: encodeBase64url(point) },
    createdAt,
  )
}

function secondsOf(time: unknown): number | undefined {
  const milliseconds = typeof time === 'string' ? Date.parse(time) : Number.NaN
  return Number.isNaN(milliseconds) ? undefined : Math.floor(milliseconds / 1000)
}
