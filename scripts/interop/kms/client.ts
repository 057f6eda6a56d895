/** Our client, from the configuration that an operator would write, over the Worker's own outbound port. */
import { importJWK } from 'jose'

import { parseConfig } from '../../../src/config/parse.ts'
import { Fault, type FaultKind } from '../../../src/fault.ts'
import type { Custodian } from '../../../src/keys/custody/custodian.ts'
import { custodianOf } from '../../../src/keys/custody/custodian-of.ts'
import { custodyOutbound } from '../../../src/platform/outbound.ts'

type Written = Readonly<Record<string, unknown>>

export interface Keys {
  readonly sign: string
  readonly publish?: readonly string[]
}

export function clientOf(custodian: Written, key: Keys, secrets: object): Custodian {
  const parsed = parseConfig({
    SEAL_KEYS: 'A'.repeat(43),
    ...secrets,
    CUSTODIANS: [{ ...custodian, id: 'custodian', timeout: '30s' }],
    SITES: [
      {
        id: 'site',
        hosts: ['localhost:8787'],
        development: true,
        assertion: { custodian: 'custodian', key },
        routes: [{ path: '/*', access: 'public', upstream: { url: 'https://origin.example' } }],
      },
    ],
  })
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  const custody = parsed.config.sites[0]?.assertion.custody
  if (custody === undefined) throw new Error('no custody')
  return custodianOf(custody, {
    outbound: custodyOutbound,
    now: () => Math.floor(Date.now() / 1000),
  })
}

const names = {
  ES256: { name: 'ECDSA', hash: 'SHA-256' },
  EdDSA: { name: 'Ed25519' },
  RS256: { name: 'RSASSA-PKCS1-v1_5' },
} as const

/** Signs by the first key, and verifies by WebCrypto with what would be published; says how long it took. */
export async function signAndVerify(
  custodian: Custodian,
  alg: keyof typeof names,
): Promise<string> {
  const keys = await custodian.keys()
  const [key] = keys
  if (key?.alg !== alg) throw new Error(`the key is for ${String(key?.alg)}`)
  const signer = custodian.signer(key)
  const publicKey = await importJWK(key.publicJwk, alg)
  if (!(publicKey instanceof CryptoKey)) throw new Error('no public key')
  const times = []
  for (const size of [1, 100, 5000]) {
    const data = crypto.getRandomValues(new Uint8Array(size))
    const began = performance.now()
    const signature = await signer.sign(data)
    times.push(performance.now() - began)
    const other = Uint8Array.from(data, (byte) => byte ^ 1)
    if (!(await crypto.subtle.verify(names[alg], publicKey, signature, data)))
      throw new Error('the signature does not verify')
    if (await crypto.subtle.verify(names[alg], publicKey, signature, other))
      throw new Error('the signature verifies for something else')
  }
  const [median = 0] = times.toSorted((a, b) => a - b).slice(1)
  return `kid ${key.kid.slice(0, 8)}…, ${keys.length} published, ${median.toFixed(1)} ms a signature`
}

/** Fails unless the work is refused in this way. */
export async function refused(kind: FaultKind, work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    if (error instanceof Fault && error.kind === kind) return error.message
    throw error
  }
  throw new Error('it was not refused')
}
