/**
 * Verified requests per second, warm, against a Worker that forwards and verifies nothing: by algorithm, each in
 * turn for several rounds, so that what disturbs the machine disturbs all. Beside it, how long WebCrypto itself
 * takes: what remembering good signatures could save at most.
 */
import { readWranglerConfig } from '../../scripts/local-worker.ts'
import { makeSigner, type Signer, tokensOf } from '../issuer.ts'
import { load, requestOf, withToken } from '../load.ts'
import { median, type Outcome, printTable, round } from '../report.ts'
import {
  bundleGate,
  gateConfig,
  gateWorker,
  passThrough,
  plainWorker,
  startWorkers,
} from '../workers.ts'

const algorithms = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']
const rounds = 5
/** Different tokens of each algorithm: more than one, fewer than would measure their parsing from cold memory. */
const tokens = 50
const connections = 16
/** Of the pass-through's throughput, with ES256. */
const mark = 0.5

type Site = Readonly<Record<string, unknown>>

interface Variant {
  readonly name: string
  readonly port: number
  readonly requests: readonly Buffer[]
}

/** `seconds` for one variant in one round. */
export async function measureVerify(seconds: number): Promise<Outcome> {
  const signers = await Promise.all(
    algorithms.map((algorithm) => makeSigner(algorithm, `https://${algorithm.toLowerCase()}.test`)),
  )
  const bundle = await bundleGate()
  const origin = plainWorker('origin')
  const issuers = signers.map(({ algorithm, issuer, publicJwk }) => ({
    id: algorithm.toLowerCase(),
    issuer,
    algorithms: [algorithm],
    keys: [publicJwk],
  }))
  const vars = { ISSUERS: issuers, SITES: sitesWithoutOperators() }
  const gate = await startWorkers([gateWorker(bundle.script, vars), origin])
  const bare = await startWorkers([passThrough(), origin])
  const alone = await startWorkers([plainWorker('signature')])
  try {
    const variants = await variantsOf(gate.port, bare.port, signers)
    const perSecond = await measured(variants, seconds)
    const limit = median(perSecond.get('pass-through') ?? [])
    const signature = await signatureTimes(alone.port, signers)
    const rows = variants.map(({ name }) => {
      const values = perSecond.get(name) ?? []
      return {
        variant: name,
        'requests/s': round(median(values), 0),
        from: round(Math.min(...values), 0),
        to: round(Math.max(...values), 0),
        ratio: round(median(values) / limit),
        'signature µs': signature[name] ?? '',
      }
    })
    printTable(rows)
    const ratios = Object.fromEntries(rows.map(({ variant, ratio }) => [variant, ratio]))
    const reached = (ratios['ES256'] ?? 0) >= mark
    console.log(
      `\nES256: ${String(ratios['ES256'])} of the pass-through; the mark is ${String(mark)}.`,
    )
    return { measure: 'verify', reached, mark, passThrough: round(limit, 0), ratios, signature }
  } finally {
    await Promise.all([gate, bare, alone].map((one) => one.close()))
    bundle.close()
  }
}

/** With several issuers it would have to be said who may make operators, and here is nothing to operate. */
function sitesWithoutOperators(): readonly object[] {
  const { SITES } = readWranglerConfig(gateConfig).vars as { readonly SITES: readonly Site[] }
  return SITES.map((site) =>
    Object.fromEntries(Object.entries(site).filter(([name]) => name !== 'operator')),
  )
}

async function variantsOf(
  gate: number,
  bare: number,
  signers: readonly Signer[],
): Promise<readonly Variant[]> {
  const verified = await Promise.all(
    signers.map(async (signer) => ({
      name: signer.algorithm,
      port: gate,
      requests: await requestsFor('/bearer/x', signer),
    })),
  )
  const es256 = signers.find(({ algorithm }) => algorithm === 'ES256')
  if (es256 === undefined) throw new Error('ES256 is what the mark is about')
  // The same bytes go through the pass-through: reading them is its cost too.
  return [
    { name: 'pass-through', port: bare, requests: await requestsFor('/bearer/x', es256) },
    { name: 'public', port: gate, requests: await requestsFor('/public/x', es256) },
    ...verified,
    { name: 'ES256 + assertion', port: gate, requests: await requestsFor('/assertion/x', es256) },
  ]
}

async function requestsFor(path: string, signer: Signer): Promise<readonly Buffer[]> {
  return (await tokensOf(signer, tokens)).map((token) => requestOf(path, withToken(token)))
}

async function measured(
  variants: readonly Variant[],
  seconds: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const perSecond = new Map<string, number[]>(variants.map(({ name }) => [name, []]))
  // The first round warms up and is not counted.
  for (let i = 0; i <= rounds; i++) {
    for (const { name, port, requests } of variants) {
      const answered = await load({ port, requests, connections, seconds })
      const others = Object.keys(answered.statuses).filter((status) => status !== '200')
      if (others.length > 0) throw new Error(`${name} answered ${others.join(', ')}`)
      if (i > 0) perSecond.get(name)?.push(answered.perSecond)
    }
  }
  return perSecond
}

const parameters: Readonly<Record<string, object>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' },
  PS256: { name: 'RSA-PSS', hash: 'SHA-256', saltLength: 32 },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  ES384: { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  ES512: { name: 'ECDSA', namedCurve: 'P-521', hash: 'SHA-512' },
  EdDSA: { name: 'Ed25519' },
}

/** Microseconds of one verification by WebCrypto alone. */
async function signatureTimes(
  port: number,
  signers: readonly Signer[],
): Promise<Readonly<Record<string, number>>> {
  const times: [string, number][] = []
  for (const signer of signers) {
    const [token = ''] = await tokensOf(signer, 1)
    const [header = '', payload = '', signature = ''] = token.split('.')
    const { kid: _, alg: __, use: ___, ...jwk } = signer.publicJwk
    const response = await fetch(`http://127.0.0.1:${String(port)}/`, {
      method: 'POST',
      body: JSON.stringify({
        algorithm: parameters[signer.algorithm],
        jwk,
        input: btoa(`${header}.${payload}`),
        signature: Buffer.from(signature, 'base64url').toString('base64'),
        times: 2000,
      }),
    })
    const { good, microseconds } = (await response.json()) as { good: number; microseconds: number }
    if (good !== 2000) throw new Error(`${signer.algorithm}: not every verification succeeded`)
    times.push([signer.algorithm, round(microseconds, 1)])
  }
  return Object.fromEntries(times)
}
