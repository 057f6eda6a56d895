/**
 * Keys in AWS KMS (its JSON API, `TrentService`), requests signed by aws4fetch. A name is a key's ARN.
 *
 * KMS signs at most 4,096 bytes as they are, so it is given the digest; an Ed25519 key takes no digest, and the
 * assertion of a person with many claims would be too long for it: such keys are refused.
 */
import { AwsV4Signer } from 'aws4fetch'
import type { AwsAccount } from '../../config/custody.ts'
import { sha256OfBytes } from '../../digest.ts'
import { Fault } from '../../fault.ts'
import type { AssertionAlgorithm } from '../signer.ts'
import { type Answer, ask, memberOf, signatureOf, textOf } from './answer.ts'
import { encodeBase64 } from './base64.ts'
import type { CustodyApi, CustodyPorts } from './custodian.ts'
import { custodyKeyOfPem, pemOf } from './public-key.ts'

/** What KMS calls the algorithms that we ask for. A key lists those that it signs with. */
const namesInKms = [
  ['ES256', 'ECDSA_SHA_256'],
  ['RS256', 'RSASSA_PKCS1_V1_5_SHA_256'],
] as const satisfies readonly (readonly [AssertionAlgorithm, string])[]

export function awsKms(account: AwsAccount, { outbound, now }: CustodyPorts): CustodyApi {
  const send = async (purpose: string, action: 'GetPublicKey' | 'Sign', input: object) => {
    const body = JSON.stringify(input)
    const signed = await new AwsV4Signer({
      method: 'POST',
      url: `${account.url}/`,
      headers: {
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `TrentService.${action}`,
      },
      body,
      service: 'kms',
      region: account.region,
      accessKeyId: account.accessKeyId.reveal(),
      secretAccessKey: account.secretAccessKey.reveal(),
      datetime: timeOf(now()),
    }).sign()
    return ask(outbound, account, {
      purpose,
      url: signed.url.href,
      headers: Object.fromEntries(signed.headers),
      body,
      isThrottling,
    })
  }

  return {
    keys: (names) =>
      Promise.all(
        names.map(async (name) => {
          const answer = await send(`give the public key of ${name}`, 'GetPublicKey', {
            KeyId: name,
          })
          const listed = memberOf(answer, 'SigningAlgorithms')
          const known = namesInKms.find(
            ([, inKms]) => Array.isArray(listed) && listed.includes(inKms),
          )
          if (known === undefined)
            throw new Fault(
              'custody_refused',
              `${name} must be a key to sign, of spec ECC_NIST_P256 or RSA_2048 to RSA_4096`,
            )
          const [alg] = known
          return custodyKeyOfPem(name, alg, pemOf(textOf(answer, 'PublicKey')))
        }),
      ),

    async sign({ name, alg }, data) {
      const answer = await send(`sign with ${name}`, 'Sign', {
        KeyId: name,
        Message: encodeBase64(await sha256OfBytes(data)),
        MessageType: 'DIGEST',
        SigningAlgorithm: namesInKms.find(([ours]) => ours === alg)?.[1],
      })
      return signatureOf(answer, 'Signature', alg, `${account.id} signed with ${name}`)
    },
  }
}

/** Too many requests are said with status 400 here. */
function isThrottling(answer: Answer): boolean {
  const type = memberOf(answer, '__type')
  return typeof type === 'string' && /(?:^|#)(?:Throttling|LimitExceeded)Exception$/.test(type)
}

/** `20150830T123600Z`. `now` in seconds. */
function timeOf(now: number): string {
  return new Date(now * 1000).toISOString().replaceAll(/[:-]|\.\d{3}/g, '')
}
