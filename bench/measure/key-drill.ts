/**
 * A drill with the site's signing keys, under load: a rotation by its plan, then a rollover, because the active key was
 * stolen. Several isolates sign for an origin that follows the published keys; a thief, who has the storage and the
 * seal keys, goes on signing. Nobody honest is refused for a key that is trusted, and the thief by the stated time.
 */
import { createDecipheriv, hkdfSync } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { importJWK, type JWK, SignJWT } from 'jose'

import { makeSigner, operatorToken, tokensOf } from '../issuer.ts'
import { toIsolate } from '../load.ts'
import { type Outcome, printTable, round } from '../report.ts'
import { steadyLoad, type Gate, type Reply } from '../steady-load.ts'
import { bundleGate, manyIsolates, objectsOf, plainWorker, startWorkers } from '../workers.ts'

const isolates = 6
const site = 'http://127.0.0.1'
/** Milliseconds, of the drill's site in gate/wrangler.toml: `keys_bound`, and that with `keys_max_age`. */
const signsFor = 2000
const stated = 4000

export async function measureKeyDrill(seconds: number, rate: number): Promise<Outcome> {
  const bundle = await bundleGate()
  const signer = await makeSigner('ES256', 'https://as.test')
  const { issuer, publicJwk } = signer
  const issuers = [{ id: 'as', issuer, algorithms: ['ES256'], keys: [publicJwk] }]
  const workers = manyIsolates(bundle.script, { ISSUERS: issuers }, isolates)
  const origin = plainWorker('verifying-origin', {
    name: 'origin',
    serviceBindings: { FRONT: 'front' },
    bindings: { ISOLATES: isolates, ISSUER: site },
  })
  const running = await startWorkers([...workers.filter(({ name }) => name !== 'origin'), origin])
  try {
    const gate = { port: running.port, host: '127.0.0.1' }
    const tokens = await tokensOf(signer, 50)
    const asked = tokens.flatMap((token) =>
      Array.from({ length: isolates }, (_, isolate) => toIsolate(token, isolate)),
    )
    const operator = toIsolate(await operatorToken(signer), 0)
    const load = steadyLoad(gate, '/drill/x', asked, rate)
    const startedAt = performance.now()
    const drill = await drillKeys(load, operator, running)
    await pause(Math.max(3000, seconds * 1000 - (performance.now() - startedAt)))
    const replies = await load.stop()
    const took = (performance.now() - startedAt) / 1000
    return report(replies, drill, took, rate)
  } finally {
    await running.close()
    bundle.close()
  }
}

interface Drill {
  readonly distrusted: string
  readonly rotatedTo: string
  /** Milliseconds, as `performance.now()`. */
  readonly rolledOverAt: number
  readonly thief: readonly Reply[]
}

type Headers = Readonly<Record<string, string>>

interface Shown {
  readonly keys: readonly { readonly kid: string; readonly state: string }[]
  readonly rotation: { readonly possible_from: number }
}

async function drillKeys(
  { send }: Gate,
  operator: Headers,
  running: Parameters<typeof objectsOf>[0],
): Promise<Drill> {
  const show = async () => (await send('/auth/operator/keys', operator)).body as unknown as Shown
  const activeOf = ({ keys }: Shown) => keys.find(({ state }) => state === 'active')?.kid ?? ''
  const first = activeOf(await show())
  let shown = await show()
  for (let i = 0; activeOf(shown) === first; i++) {
    if (i > 60) throw new Error('the rotation did not come')
    await pause(1000)
    shown = await show()
  }
  const rotatedTo = activeOf(shown)
  // The next key has to be known before the emergency, as it nearly always is.
  await pause(Math.max(0, shown.rotation.possible_from * 1000 - Date.now()) + 1000)

  const { kid, forged } = await steal(running)
  const thief: Reply[] = []
  const tryOn = async (until: number) => {
    while (performance.now() < until) {
      thief.push(await send('/', { ...forged, 'x-isolate': 'ORIGIN' }))
      await pause(20)
    }
  }
  await tryOn(performance.now() + 500)
  const rollover = send('/auth/operator/keys/rollover', operator, JSON.stringify({ kid }))
  const { status, body } = await rollover
  const rolledOverAt = performance.now()
  if (status !== 200) throw new Error(`the rollover is answered ${String(status)}`)
  await tryOn(rolledOverAt + stated + 3000)
  return { distrusted: String(body['distrusted']), rotatedTo, rolledOverAt, thief }
}

/**
 * The key that signs, and what a thief can make who has the storage and the seal keys: good for an hour, or as long as
 * the key is trusted.
 */
async function steal(
  running: Parameters<typeof objectsOf>[0],
): Promise<{ readonly kid: string; readonly forged: Headers }> {
  const objects = await objectsOf(running, 'KEY_OBJECTS', 'gate')
  const object = objects.getByName('drill') as unknown as {
    ring(site: string): Promise<{ readonly value: { readonly active: Stolen } }>
  }
  const { active } = (await object.ring('drill')).value
  const now = Math.floor(Date.now() / 1000)
  const text = await new SignJWT({ caller: 'session', idp: 'https://id.test' })
    .setProtectedHeader({ alg: active.alg, kid: active.kid, typ: 'sallyport+jwt' })
    .setIssuer(site)
    .setSubject('person-0')
    .setAudience('origin')
    .setIssuedAt(now)
    .setExpirationTime(now + 3600)
    .sign(await importJWK(open(active.sealedPrivateKey), active.alg))
  return { kid: active.kid, forged: { authorization: `Bearer ${text}` } }
}

interface Stolen {
  readonly kid: string
  readonly alg: string
  readonly sealedPrivateKey: string
}

/** As `src/seal.ts` seals, with the seal key of the measurements: 32 zeros. */
function open(sealed: string): JWK {
  const parts = ['sallyport seal 1', 'drill', 'signing-key']
  const context = Buffer.concat(
    parts.map((part) => Buffer.concat([Buffer.from([0, part.length]), Buffer.from(part)])),
  )
  const bytes = Buffer.from(sealed, 'base64url')
  const key = Buffer.from(hkdfSync('sha256', Buffer.alloc(32), Buffer.alloc(0), context, 32))
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(5, 17))
  decipher.setAAD(context)
  decipher.setAuthTag(bytes.subarray(-16))
  const plain = Buffer.concat([decipher.update(bytes.subarray(17, -16)), decipher.final()])
  return JSON.parse(plain.subarray(8).toString()) as JWK
}

function report(
  replies: readonly Reply[],
  { distrusted, rotatedTo, rolledOverAt, thief }: Drill,
  took: number,
  rate: number,
): Outcome {
  const since = (reply: Reply) => reply.sentAt - rolledOverAt
  const last = (those: readonly Reply[]) => round(Math.max(0, ...those.map(since)), 0)
  const accepted = replies.filter(({ status }) => status === 200)
  const refused = replies.filter(({ status }) => status !== 200)
  // Refused because its key is not trusted any more: what was asked for. Its caller had to ask again.
  const ofDistrusted = refused.filter(
    (reply) => reply.body['kid'] === distrusted && reply.doneAt >= rolledOverAt,
  )
  const stolen = thief.filter(({ status }) => status === 200)
  const signedLate = replies.filter(
    (reply) => reply.body['kid'] === distrusted && since(reply) > signsFor,
  )
  const kids = new Set(accepted.map(({ body }) => String(body['kid'])))
  const row = {
    requests: replies.length,
    'per s': round(replies.length / took, 0),
    keys: kids.size,
    'refused wrongly': refused.length - ofDistrusted.length,
    'refused, key distrusted': ofDistrusted.length,
    'last signed by it, ms': last(accepted.concat(ofDistrusted).filter(isSignedBy(distrusted))),
    'last accepted of it, ms': last(accepted.filter(isSignedBy(distrusted))),
    'last accepted of the thief, ms': last(stolen),
  }
  console.log(`Milliseconds after the rollover was answered; stated: ${String(stated)}.\n`)
  printTable([row])
  const wrong = refused.filter((reply) => !ofDistrusted.includes(reply)).slice(0, 3)
  if (wrong.length > 0) console.log(JSON.stringify(wrong))
  const reached =
    // The rotation happened, and after it the rollover; the thief was believed before it.
    kids.size >= 3 &&
    kids.has(rotatedTo) &&
    stolen.some((reply) => since(reply) < 0) &&
    wrong.length === 0 &&
    signedLate.length === 0 &&
    row['last accepted of it, ms'] <= stated &&
    row['last accepted of the thief, ms'] <= stated
  return {
    measure: 'key-drill',
    reached,
    isolates,
    seconds: round(took, 0),
    rate_asked: rate,
    rate_reached: row['per s'],
    requests: row.requests,
    refused_wrongly: row['refused wrongly'],
    refused_key_distrusted: row['refused, key distrusted'],
    stated_ms: stated,
    last_signed_by_distrusted_ms: row['last signed by it, ms'],
    last_accepted_of_distrusted_ms: row['last accepted of it, ms'],
    thief_tried: thief.length,
    thief_last_accepted_ms: row['last accepted of the thief, ms'],
  }
}

function isSignedBy(kid: string) {
  return ({ body }: Reply): boolean => body['kid'] === kid
}
