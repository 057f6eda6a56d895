/**
 * Keys in Google Cloud KMS (its REST API, v1). A name is the resource name of a key version.
 *
 * A service account signs a JWT and has it exchanged for an access token (RFC 7523) at the one address that Google
 * documents; the addresses in the account's key file are not followed.
 */
import { importPKCS8, SignJWT } from 'jose'
import type { GoogleAccount } from '../../config/custody.ts'
import { sha256OfBytes } from '../../digest.ts'
import { Fault } from '../../fault.ts'
import type { AssertionAlgorithm } from '../signer.ts'
import { AccessToken, type Granted } from './access-token.ts'
import { ask, memberOf, signatureOf, textOf } from './answer.ts'
import { encodeBase64 } from './base64.ts'
import type { CustodyApi, CustodyPorts } from './custodian.ts'
import { custodyKeyOfPem } from './public-key.ts'

const tokenEndpoint = 'https://oauth2.googleapis.com/token'
/** Cloud KMS alone, whatever else the account may do. */
const scope = 'https://www.googleapis.com/auth/cloudkms'

const algorithmOfGoogle: ReadonlyMap<unknown, AssertionAlgorithm> = new Map([
  ['EC_SIGN_P256_SHA256', 'ES256'],
  ['EC_SIGN_ED25519', 'EdDSA'],
  ['RSA_SIGN_PKCS1_2048_SHA256', 'RS256'],
  ['RSA_SIGN_PKCS1_3072_SHA256', 'RS256'],
  ['RSA_SIGN_PKCS1_4096_SHA256', 'RS256'],
])

export function googleKms(account: GoogleAccount, ports: CustodyPorts): CustodyApi {
  const token = new AccessToken(() => grant(account, ports), ports.now)
  const send = (purpose: string, path: string, body?: object) =>
    token.use((value) =>
      ask(ports.outbound, account, {
        purpose,
        url: `${account.url}/v1/${path}`,
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          authorization: `Bearer ${value}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    )

  return {
    async keys(names) {
      const keys = []
      // One after the other: the first brings the token for all.
      for (const name of names) {
        const answer = await send(`give the public key of ${name}`, `${name}/publicKey`)
        const alg = algorithmOfGoogle.get(memberOf(answer, 'algorithm'))
        if (alg === undefined)
          throw new Fault(
            'custody_refused',
            `${name} must have algorithm EC_SIGN_P256_SHA256, EC_SIGN_ED25519 or RSA_SIGN_PKCS1_2048_SHA256 to 4096`,
          )
        keys.push(await custodyKeyOfPem(name, alg, textOf(answer, 'pem')))
      }
      return keys
    },

    async sign({ name, alg }, data) {
      const answer = await send(
        `sign with ${name}`,
        `${name}:asymmetricSign`,
        alg === 'EdDSA'
          ? { data: encodeBase64(data) }
          : { digest: { sha256: encodeBase64(await sha256OfBytes(data)) } },
      )
      return signatureOf(answer, 'signature', alg, `${account.id} signed with ${name}`)
    },
  }
}

async function grant(account: GoogleAccount, { outbound, now }: CustodyPorts): Promise<Granted> {
  const { auth, id } = account
  if (auth.method === 'token') return { token: auth.token.reveal(), lifetime: Infinity }
  const issuedAt = now()
  const assertion = await new SignJWT({ scope })
    .setProtectedHeader({ alg: 'RS256', kid: auth.keyId, typ: 'JWT' })
    .setIssuer(auth.email)
    .setAudience(tokenEndpoint)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + 600)
    .sign(await importAccountKey(account))
  const answer = await ask(
    outbound,
    { id, timeout: account.timeout, insecure: false },
    {
      purpose: 'give an access token',
      url: tokenEndpoint,
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({
        grant_type: 'urn:ietf:params:oauth:grant-type:jwt-bearer',
        assertion,
      }).toString(),
    },
  )
  const token = textOf(answer, 'access_token')
  const lifetime = memberOf(answer, 'expires_in')
  if (!/^[\x21-\x7E]+$/.test(token) || typeof lifetime !== 'number' || lifetime <= 0)
    throw new Fault('custody_malformed', `${id} gave no token with a lifetime`)
  return { token, lifetime }
}

async function importAccountKey({ auth, id }: GoogleAccount): Promise<CryptoKey> {
  const pem = auth.method === 'service_account' ? auth.privateKey.reveal() : ''
  try {
    return await importPKCS8(pem, 'RS256')
  } catch {
    // The cause could quote the key.
    throw new Fault('configuration', `the service account of ${id} has no private key for RS256`)
  }
}
