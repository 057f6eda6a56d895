/**
 * An origin that lets in only whom an assertion vouches for, by the published keys, as a careful one does: it keeps them
 * for their max-age and no longer, asks again with their tag, and where it meets a key that it does not know, but
 * not more than once a second. Each time it asks another isolate of the gate.
 */
import type { webcrypto } from 'node:crypto'

interface Env {
  readonly FRONT: { fetch(request: Request): Promise<Response> }
  readonly ISOLATES: number
  readonly ISSUER: string
}

interface Copy {
  readonly keys: ReadonlyMap<string, webcrypto.CryptoKey>
  readonly etag: string
  /** Milliseconds. */
  readonly askedAt: number
  readonly freshUntil: number
}

const curve = { name: 'ECDSA', namedCurve: 'P-256' }
const coolDown = 1000
let copy: Copy | undefined

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const [, text = ''] = (request.headers.get('authorization') ?? '').split(' ')
    const { kid, why } = await judge(text, env)
    return Response.json({ kid, why }, { status: why === undefined ? 200 : 401 })
  },
}

async function judge(text: string, env: Env): Promise<{ kid: string; why: string | undefined }> {
  const [header = '', payload = '', signature = ''] = text.split('.')
  const { alg, kid = '', typ } = readJson(header)
  const { iss, aud, exp = 0 } = readJson(payload)
  const refuse = (why: string) => ({ kid, why })
  if (alg !== 'ES256' || typ !== 'sallyport+jwt') return refuse('header')
  const key = await keyOf(kid, env)
  if (key === undefined) return refuse('key')
  const input = new TextEncoder().encode(`${header}.${payload}`)
  const isGood = await crypto.subtle.verify(
    { name: 'ECDSA', hash: 'SHA-256' },
    key,
    bytesOf(signature),
    input,
  )
  if (!isGood) return refuse('signature')
  if (iss !== env.ISSUER || aud !== 'origin' || exp <= Date.now() / 1000) return refuse('claims')
  return { kid, why: undefined }
}

async function keyOf(kid: string, env: Env): Promise<webcrypto.CryptoKey | undefined> {
  const now = Date.now()
  const known = copy
  const isFresh = known !== undefined && now < known.freshUntil
  if (isFresh && (known.keys.has(kid) || now < known.askedAt + coolDown)) return known.keys.get(kid)
  const asked = await ask(known, now, env)
  // Of two that overlap the one that was asked for later stays.
  if (copy === undefined || copy.askedAt <= asked.askedAt) copy = asked
  return asked.keys.get(kid)
}

async function ask(known: Copy | undefined, now: number, env: Env): Promise<Copy> {
  const headers: Record<string, string> = {
    'x-isolate': String(Math.floor(Math.random() * env.ISOLATES)),
    ...(known === undefined ? {} : { 'if-none-match': known.etag }),
  }
  const response = await env.FRONT.fetch(
    new Request(`${env.ISSUER}/.well-known/jwks.json`, { headers }),
  )
  const maxAge = Number(/max-age=(\d+)/.exec(response.headers.get('cache-control') ?? '')?.[1] ?? 0)
  const etag = response.headers.get('etag') ?? ''
  const times = { etag, askedAt: now, freshUntil: now + maxAge * 1000 }
  if (response.status === 304 && known !== undefined) return { ...times, keys: known.keys }
  const set = (await response.json()) as { keys: (webcrypto.JsonWebKey & { kid: string })[] }
  const keys = new Map<string, webcrypto.CryptoKey>()
  for (const jwk of set.keys)
    keys.set(jwk.kid, await crypto.subtle.importKey('jwk', jwk, curve, false, ['verify']))
  return { ...times, keys }
}

interface Read {
  readonly alg?: string
  readonly kid?: string
  readonly typ?: string
  readonly iss?: string
  readonly aud?: string
  readonly exp?: number
}

function readJson(part: string): Read {
  try {
    return JSON.parse(new TextDecoder().decode(bytesOf(part))) as Read
  } catch {
    return {}
  }
}

function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
  return Uint8Array.from(binary, (character) => character.charCodeAt(0))
}
