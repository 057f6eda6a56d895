/** AWS KMS's API, as moto and local-kms speak it. */
import { join } from 'node:path'
import { writeFileSync } from 'node:fs'

import { AwsClient } from 'aws4fetch'

import { clientOf, type Keys, refused, signAndVerify } from './client.ts'
import { freePort } from '../../ports.ts'
import { isInstalled, run, serve } from './server.ts'
import type { Table } from './table.ts'

const moto = 'moto 5.2.5'
const localKms = 'local-kms'
const region = 'eu-central-1'

/**
 * moto checks requests as AWS does: botocore's Signature Version 4, and what the user's policy lets it do. It ignores
 * `MessageType`, and would hash a digest once more; this makes `DIGEST` what AWS documents.
 */
const motoServer = `
import sys
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from moto.kms import responses, utils
from moto.server import main

sha256 = Prehashed(hashes.SHA256())
raw = {kind: kind.sign for kind in (utils.ECDSAPrivateKey, utils.RSAPrivateKey)}
digests = {
    (utils.ECDSAPrivateKey, "ECDSA_SHA_256"): lambda key, digest: key.sign(digest, ec.ECDSA(sha256)),
    (utils.RSAPrivateKey, "RSASSA_PKCS1_V1_5_SHA_256"): lambda key, digest: key.sign(digest, padding.PKCS1v15(), sha256),
}
answer = responses.KmsResponse.sign

def sign(self):
    is_digest = self._get_param("MessageType") == "DIGEST"
    for kind, signs in raw.items():
        kind.sign = signs if not is_digest else (
            lambda key, message, algorithm: digests[type(key), algorithm](key.private_key, message))
    return answer(self)

responses.KmsResponse.sign = sign
main(sys.argv[1:])
`

interface Secrets {
  readonly AWS_ID: string
  readonly AWS_SECRET: string
}

type Json = Readonly<Record<string, Readonly<Record<string, string>>>>

/** The operator's hand: what our client may not do. */
function operatorOf(url: string) {
  const client = new AwsClient({ accessKeyId: 'admin', secretAccessKey: 'admin', region })
  const call = async (target: URL | string, service: string, init: RequestInit) => {
    const answer = await client.fetch(target, { ...init, method: 'POST', aws: { service } })
    if (!answer.ok) throw new Error(`${service} answers ${answer.status}`)
    return answer.text()
  }
  const kms = async (action: string, input: object): Promise<Json> => {
    const headers = {
      'content-type': 'application/x-amz-json-1.1',
      'x-amz-target': `TrentService.${action}`,
    }
    const body = JSON.stringify(input)
    return JSON.parse((await call(url, 'kms', { headers, body })) || '{}') as Json
  }
  const iam = (action: string, input: Readonly<Record<string, string>>) =>
    call(`${url}/`, 'iam', {
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: new URLSearchParams({ Action: action, Version: '2010-05-08', ...input }).toString(),
    })
  return {
    kms,
    /** Gives the credentials. */
    createUser: async (name: string, actions: readonly string[]): Promise<Secrets> => {
      const Statement = [{ Effect: 'Allow', Action: actions, Resource: '*' }]
      const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
      await iam('CreateUser', { UserName: name })
      await iam('PutUserPolicy', { UserName: name, PolicyName: 'policy', PolicyDocument })
      const made = await iam('CreateAccessKey', { UserName: name })
      const member = (tag: string) => new RegExp(`<${tag}>([^<]+)<`).exec(made)?.[1] ?? ''
      return { AWS_ID: member('AccessKeyId'), AWS_SECRET: member('SecretAccessKey') }
    },
    createKey: async (spec: string): Promise<string> => {
      const created = await kms('CreateKey', { KeySpec: spec, KeyUsage: 'SIGN_VERIFY' })
      return created['KeyMetadata']?.['Arn'] ?? ''
    },
  }
}

const writtenOf = (url: string) => ({
  kind: 'aws_kms',
  url,
  region,
  access_key_id: { secret: 'AWS_ID' },
  secret_access_key: { secret: 'AWS_SECRET' },
})

export async function tryMoto(folder: string, table: Table): Promise<void> {
  if (!isInstalled('python3', '--version')) return table.skip(moto, 'there is no python3')
  const venv = join(folder, 'moto')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const script = join(folder, 'moto_server.py')
  try {
    console.error('Installing moto from PyPI …')
    await run('python3', ['-m', 'venv', venv], { minutes: 5 })
    const packages = ['-m', 'pip', 'install', '-q', 'moto[server]==5.2.5']
    await run(join(venv, 'bin/python'), packages, { minutes: 10 })
    writeFileSync(script, motoServer)
    await serve(join(venv, 'bin/python'), [script, '-H', '127.0.0.1', '-p', String(port)], {}, url)
  } catch (error) {
    return table.skip(moto, String(error))
  }

  const operator = operatorOf(url)
  const [p256, next, rsa] = await Promise.all(
    ['ECC_NIST_P256', 'ECC_NIST_P256', 'RSA_2048'].map(operator.createKey),
  )
  // moto judges which action a user may do, not with which key.
  const signing = await operator.createUser('signing', ['kms:Sign', 'kms:GetPublicKey'])
  const reading = await operator.createUser('reading', ['kms:GetPublicKey'])
  // From here on every request is checked: who signed it, and what its user may do.
  await fetch(`${url}/moto-api/reset-auth`, { method: 'POST', body: '0' })

  const client = (key: Keys, secrets: Secrets = signing) => clientOf(writtenOf(url), key, secrets)
  const keys = { sign: p256 ?? '', publish: [next ?? ''] }
  await table.try(moto, 'ES256 signs', () => signAndVerify(client(keys), 'ES256'))
  await table.try(moto, 'RS256 signs', () => signAndVerify(client({ sign: rsa ?? '' }), 'RS256'))
  await table.try(moto, 'the key published beside it signs next', () =>
    signAndVerify(client({ sign: next ?? '', publish: [p256 ?? ''] }), 'ES256'),
  )
  await table.try(moto, 'a request signed with another secret is refused', () =>
    refused('custody_refused', () => client(keys, { ...signing, AWS_SECRET: 'x' }).keys()),
  )
  await table.try(moto, 'a user who may not sign is refused', async () => {
    const custodian = client(keys, reading)
    const [key] = await custodian.keys()
    if (key === undefined) throw new Error('no key')
    return refused('custody_refused', () => custodian.signer(key).sign(new Uint8Array(1)))
  })
}

export async function tryLocalKms(folder: string, table: Table): Promise<void> {
  if (!isInstalled('go', 'version')) return table.skip(localKms, 'there is no Go')
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const source = 'github.com/nsmithuk/local-kms@v0.0.0-20260228092603-2a5e92d09ab6'
  try {
    console.error('Building local-kms from the Go module proxy …')
    await run('go', ['install', source], { env: { GOBIN: folder }, minutes: 15 })
    const env = {
      PORT: String(port),
      KMS_REGION: region,
      KMS_DATA_PATH: join(folder, 'local-kms-data'),
    }
    await serve(join(folder, 'local-kms'), [], env, url)
  } catch (error) {
    return table.skip(localKms, String(error))
  }
  const operator = operatorOf(url)
  const [p256, rsa] = await Promise.all(['ECC_NIST_P256', 'RSA_2048'].map(operator.createKey))
  const client = (key: Keys) => clientOf(writtenOf(url), key, { AWS_ID: 'id', AWS_SECRET: 'x' })
  await table.try(localKms, 'ES256 signs a digest', () =>
    signAndVerify(client({ sign: p256 ?? '' }), 'ES256'),
  )
  await table.try(localKms, 'RS256 signs a digest', () =>
    signAndVerify(client({ sign: rsa ?? '' }), 'RS256'),
  )
  await table.try(localKms, 'a key that is disabled is refused', async () => {
    const custodian = client({ sign: p256 ?? '' })
    const [key] = await custodian.keys()
    if (key === undefined) throw new Error('no key')
    await operator.kms('DisableKey', { KeyId: p256 })
    return refused('custody_refused', () => custodian.signer(key).sign(new Uint8Array(1)))
  })
}
