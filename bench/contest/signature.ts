/** How long WebCrypto itself takes to verify, in workerd. */
import { type Signer, tokensOf } from '../issuer.ts'
import { median, round } from '../report.ts'
import { plainWorker, startWorkers } from '../workers.ts'

const times = 2000

/** Microseconds of one ES256 verification. */
export async function verifyMicroseconds(signer: Signer): Promise<number> {
  const alone = await startWorkers([plainWorker('signature')])
  try {
    const [token = ''] = await tokensOf(signer, 1)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const { kid: _, alg: __, use: ___, ...jwk } = signer.publicJwk
    const body = JSON.stringify({
      algorithm: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
      jwk,
      input: btoa(`${header}.${payload}`),
      signature: Buffer.from(signature, 'base64url').toString('base64'),
      times,
    })
    const taken: number[] = []
    for (let i = 0; i < 5; i++) {
      const response = await fetch(`http://127.0.0.1:${String(alone.port)}/`, {
        method: 'POST',
        body,
      })
      const answer = (await response.json()) as { good: number; microseconds: number }
      if (answer.good !== times) throw new Error('not every verification succeeded')
      taken.push(answer.microseconds)
    }
    return round(median(taken), 1)
  } finally {
    await alone.close()
  }
}
