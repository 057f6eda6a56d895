/** Vault, AWS KMS and Google Cloud KMS by the shapes that they document, with real keys; they misbehave on request. */
import { createHash, createHmac } from 'node:crypto'
import { type CryptoKey, exportJWK, exportSPKI, generateKeyPair, jwtVerify } from 'jose'

import type { CustodyOutbound } from '../../../src/keys/custody/custodian.ts'
import type { AssertionAlgorithm } from '../../../src/keys/signer.ts'

export interface Pair {
  readonly alg: AssertionAlgorithm
  readonly publicKey: CryptoKey
  readonly privateKey: CryptoKey
}

export async function makePair(alg: AssertionAlgorithm): Promise<Pair> {
  return { alg, ...(await generateKeyPair(alg, { extractable: true })) }
}

const spellings = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const

/** By a key in this process: what a custodian does inside. ES256 is r||s. */
export async function signWith(
  { alg, privateKey }: Pair,
  data: Uint8Array,
): Promise<Uint8Array<ArrayBuffer>> {
  return new Uint8Array(await crypto.subtle.sign(spellings[alg], privateKey, Uint8Array.from(data)))
}

export function verifyWith(
  { alg, publicKey }: Pair,
  signature: Uint8Array,
  data: Uint8Array,
): Promise<boolean> {
  return crypto.subtle.verify(
    spellings[alg],
    publicKey,
    Uint8Array.from(signature),
    Uint8Array.from(data),
  )
}

/** r||s → DER. */
export function derOf(joined: Uint8Array): Uint8Array {
  const integer = (bytes: Uint8Array) => {
    let trimmed = [...bytes]
    while (trimmed[0] === 0 && trimmed.length > 1) trimmed = trimmed.slice(1)
    if (trimmed[0]! > 0x7f) trimmed.unshift(0)
    return [0x02, trimmed.length, ...trimmed]
  }
  const content = [...integer(joined.subarray(0, 32)), ...integer(joined.subarray(32))]
  return Uint8Array.from([0x30, content.length, ...content])
}

/** What was sent, with its body parsed. */
export interface Sent {
  readonly method: string
  readonly url: URL
  readonly headers: Headers
  readonly text: string
  readonly body: Readonly<Record<string, unknown>>
}

/**
 * Custodians are asked to sign digests, and no function here signs one: so a fake remembers the messages that a
 * test will have signed, and finds the message by its digest.
 */
export class Fake {
  readonly sent: Sent[] = []
  /** Answers in the place of the fake, from the next request on; `undefined` lets the fake answer. */
  instead: ((sent: Sent) => Response | undefined) | undefined
  /** What signs, whatever key was asked for. */
  signer: Pair | undefined
  readonly #messages = new Map<string, Uint8Array>()
  readonly #answer: (sent: Sent, fake: Fake) => Promise<Response>

  constructor(answer: (sent: Sent, fake: Fake) => Promise<Response>) {
    this.#answer = answer
  }

  readonly outbound: CustodyOutbound = async (_party, target, init) => {
    const url = new URL(target)
    const headers = new Headers(init.headers)
    const text = String(init.body ?? '')
    const isJson = /json/.test(headers.get('content-type') ?? '')
    const body = (isJson ? JSON.parse(text) : {}) as Sent['body']
    const sent = { method: init.method ?? 'GET', url, headers, text, body }
    this.sent.push(sent)
    return this.instead?.(sent) ?? this.#answer(sent, this)
  }

  /** The message, which the fake will know by its digest. */
  message(text: string): Uint8Array<ArrayBuffer> {
    const bytes = Uint8Array.from(new TextEncoder().encode(text))
    this.#messages.set(createHash('sha256').update(bytes).digest('base64'), bytes)
    return bytes
  }

  /** By the key, or by the one that the test has put in its place. */
  signDigest(pair: Pair, digest: unknown): Promise<Uint8Array<ArrayBuffer>> {
    const message = this.#messages.get(String(digest))
    if (message === undefined) throw new Error('asked to sign a digest of something else')
    return signWith(this.signer ?? pair, message)
  }

  signMessage(pair: Pair, message: unknown): Promise<Uint8Array<ArrayBuffer>> {
    return signWith(this.signer ?? pair, Buffer.from(String(message), 'base64'))
  }
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64')
const refused = (status: number, text = 'the custodian’s own words') =>
  Response.json({ errors: [text], message: text, __type: 'AccessDeniedException' }, { status })

const vaultTypes = { ES256: 'ecdsa-p256', EdDSA: 'ed25519', RS256: 'rsa-2048' } as const

/** Versions of each key; tokens that are good; one AppRole, `role-id` with `secret-id`. */
export function fakeVault(keys: Readonly<Record<string, readonly Pair[]>>) {
  const tokens = new Set(['vault-token'])
  const lease = { seconds: 3600 }
  const fake = new Fake(async ({ method, url, headers, body }, self) => {
    const path = url.pathname.slice('/v1/'.length)
    if (method === 'POST' && path === 'auth/approle/login') {
      if (body['role_id'] !== 'role-id' || body['secret_id'] !== 'secret-id') return refused(400)
      const token = `granted-${tokens.size}`
      tokens.add(token)
      return Response.json({ auth: { client_token: token, lease_duration: lease.seconds } })
    }
    if (!tokens.has(headers.get('x-vault-token') ?? '')) return refused(403)
    const [, action = '', name = ''] = /^transit\/(keys|sign)\/([\w.-]+)$/.exec(path) ?? []
    const versions = keys[name]
    if (versions === undefined || method !== (action === 'sign' ? 'POST' : 'GET'))
      return refused(404)
    if (action === 'keys') return Response.json({ data: await describe(versions) })
    const version = Number(body['key_version'])
    const pair = versions[version - 1]
    if (pair === undefined || body['marshaling_algorithm'] !== 'jws') return refused(400)
    // The engine's default for RSA is PSS.
    if (pair.alg === 'RS256' && body['signature_algorithm'] !== 'pkcs1v15') return refused(400)
    const digested = body['prehashed'] === true && body['hash_algorithm'] === 'sha2-256'
    if (digested !== (pair.alg !== 'EdDSA')) return refused(400)
    const signature = digested
      ? await self.signDigest(pair, body['input'])
      : await self.signMessage(pair, body['input'])
    const text = Buffer.from(signature).toString('base64url')
    return Response.json({ data: { key_version: version, signature: `vault:v${version}:${text}` } })
  })
  return Object.assign(fake, { tokens, lease })
}

async function describe(versions: readonly Pair[]) {
  const entries = await Promise.all(
    versions.map(async (pair, i) => [
      String(i + 1),
      { creation_time: '2026-01-02T03:04:05.678901234Z', public_key: await vaultPublicKey(pair) },
    ]),
  )
  const type = vaultTypes[versions[0]!.alg]
  return {
    type,
    derived: false,
    latest_version: versions.length,
    keys: Object.fromEntries(entries),
  }
}

async function vaultPublicKey({ alg, publicKey }: Pair): Promise<string> {
  if (alg !== 'EdDSA') return exportSPKI(publicKey)
  return Buffer.from((await exportJWK(publicKey)).x ?? '', 'base64url').toString('base64')
}

export const awsCredentials = {
  id: 'AKIDEXAMPLE',
  secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
}
const awsAlgorithms = {
  ES256: ['ECDSA_SHA_256'],
  EdDSA: ['ED25519_SHA_512', 'ED25519_PH_SHA_512'],
  RS256: ['RSASSA_PSS_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_256', 'RSASSA_PKCS1_V1_5_SHA_512'],
} as const

/** Keys by their ARN. */
export function fakeAws(keys: Readonly<Record<string, Pair>>) {
  return new Fake(async (sent, self) => {
    if (!isSignedForAws(sent)) return refused(403)
    const pair = keys[String(sent.body['KeyId'])]
    if (pair === undefined) return refused(400)
    if (sent.headers.get('x-amz-target') === 'TrentService.GetPublicKey') {
      const lines = (await exportSPKI(pair.publicKey)).split('\n')
      const spki = lines.filter((line) => !line.startsWith('-----')).join('')
      return Response.json({
        KeyId: sent.body['KeyId'],
        KeyUsage: 'SIGN_VERIFY',
        SigningAlgorithms: awsAlgorithms[pair.alg],
        PublicKey: spki,
      })
    }
    const algorithm = pair.alg === 'ES256' ? 'ECDSA_SHA_256' : 'RSASSA_PKCS1_V1_5_SHA_256'
    if (
      sent.headers.get('x-amz-target') !== 'TrentService.Sign' ||
      sent.body['MessageType'] !== 'DIGEST' ||
      sent.body['SigningAlgorithm'] !== algorithm
    )
      return refused(400)
    const signature = await self.signDigest(pair, sent.body['Message'])
    const written = pair.alg === 'ES256' ? derOf(signature) : signature
    return Response.json({ KeyId: sent.body['KeyId'], Signature: base64(written) })
  })
}

/** Signature Version 4, calculated by Node from what arrived. */
function isSignedForAws({ method, url, headers, text }: Sent): boolean {
  const authorization = headers.get('authorization') ?? ''
  const [, credential = '', names = '', signature] =
    /^AWS4-HMAC-SHA256 Credential=([^,]+), SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      authorization,
    ) ?? []
  const [id, day = '', region = '', service = '', end = ''] = credential.split('/')
  const time = headers.get('x-amz-date') ?? ''
  if (id !== awsCredentials.id || service !== 'kms' || !time.startsWith(day)) return false
  if (!names.split(';').includes('x-amz-target')) return false
  const hash = (value: string) => createHash('sha256').update(value).digest('hex')
  const hmac = (key: string | Buffer, value: string) =>
    createHmac('sha256', key).update(value).digest()
  const lines = names
    .split(';')
    .map((name) => `${name}:${name === 'host' ? url.host : (headers.get(name) ?? '')}\n`)
  const canonical = [method, url.pathname, '', lines.join(''), names, hash(text)].join('\n')
  const place = [day, region, service, end].join('/')
  let key = hmac(`AWS4${awsCredentials.secret}`, day)
  for (const part of [region, service, end]) key = hmac(key, part)
  const toSign = ['AWS4-HMAC-SHA256', time, place, hash(canonical)].join('\n')
  return hmac(key, toSign).toString('hex') === signature
}

const googleAlgorithms = {
  ES256: 'EC_SIGN_P256_SHA256',
  EdDSA: 'EC_SIGN_ED25519',
  RS256: 'RSA_SIGN_PKCS1_2048_SHA256',
} as const

/** Keys by their resource name; one service account, whose JWT is verified at the given time. */
export function fakeGoogle(keys: Readonly<Record<string, Pair>>, account: Pair, now: () => number) {
  const tokens = new Set(['given-token'])
  const fake = new Fake(async (sent, self) => {
    const { method, url, headers, body } = sent
    if (url.href === 'https://oauth2.googleapis.com/token') {
      if (!(await isGrant(sent, account, now()))) return refused(400)
      const token = `ya29.granted-${tokens.size}`
      tokens.add(token)
      return Response.json({ access_token: token, expires_in: 3599, token_type: 'Bearer' })
    }
    if (url.origin !== 'https://cloudkms.googleapis.com') return refused(404)
    const [, token = ''] = /^Bearer (.+)$/.exec(headers.get('authorization') ?? '') ?? []
    if (!tokens.has(token)) return refused(401)
    const [, name = '', action] =
      /^\/v1\/(.+?)(\/publicKey|:asymmetricSign)$/.exec(url.pathname) ?? []
    const pair = keys[name]
    if (pair === undefined) return refused(404)
    if (action === '/publicKey' && method === 'GET') {
      const pem = await exportSPKI(pair.publicKey)
      return Response.json({ name, pem, algorithm: googleAlgorithms[pair.alg] })
    }
    if (action !== ':asymmetricSign' || method !== 'POST') return refused(404)
    const { digest, data } = body
    if ((digest === undefined) !== (pair.alg === 'EdDSA')) return refused(400)
    const signature =
      digest === undefined
        ? await self.signMessage(pair, data)
        : await self.signDigest(pair, (digest as { readonly sha256?: unknown }).sha256)
    const written = pair.alg === 'ES256' ? derOf(signature) : signature
    return Response.json({ name, signature: base64(written) })
  })
  return Object.assign(fake, { tokens })
}

async function isGrant({ text }: Sent, account: Pair, now: number): Promise<boolean> {
  const form = new URLSearchParams(text)
  if (form.get('grant_type') !== 'urn:ietf:params:oauth:grant-type:jwt-bearer') return false
  try {
    const { payload, protectedHeader } = await jwtVerify(
      form.get('assertion') ?? '',
      account.publicKey,
      {
        algorithms: ['RS256'],
        issuer: 'signer@shop.iam.gserviceaccount.com',
        audience: 'https://oauth2.googleapis.com/token',
        requiredClaims: ['iat', 'exp'],
        currentDate: new Date(now * 1000),
      },
    )
    return (
      payload['scope'] === 'https://www.googleapis.com/auth/cloudkms' &&
      protectedHeader.kid === 'account-key'
    )
  } catch {
    return false
  }
}
