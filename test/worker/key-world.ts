/**
 * What the tests of a site's own keys share: its object, what it publishes, what origins get, and an operator.
 */
import { runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { createLocalJWKSet, decodeProtectedHeader, type JWK, jwtVerify } from 'jose'
import { expect } from 'vitest'

import type { Ring } from '../../src/keys/ring.ts'
import type { Environment } from '../../src/platform/environment.ts'
import { Browser, world } from './world.ts'

export const { KEY_OBJECTS, SEAL_KEYS } = env as unknown as Environment
export const month = 30 * 86_400
/** Seconds, of the site's defaults: for which a key is published before it signs, and after. */
export const [before, after] = [3725, 245]

export const objectOf = (site = 'shop') => KEY_OBJECTS.getByName(site)
export const alarm = (site = 'shop') => runDurableObjectAlarm(objectOf(site))

export function storedRing(): Promise<Ring> {
  return runInDurableObject(objectOf(), (_, state) => state.storage.kv.get<Ring>('ring')!)
}

export interface KeySet {
  readonly keys: JWK[]
}

export async function published(client = new Browser()): Promise<KeySet> {
  return (await client.send('/.well-known/jwks.json')).json()
}

export const kidsOf = ({ keys }: KeySet) => keys.map(({ kid }) => kid)

/** The assertion that an origin gets about a bearer, from this isolate. */
export async function assertionFrom(client = new Browser()): Promise<string> {
  const headers = { authorization: `Bearer ${await world.outside.as.token()}` }
  const response = await client.send('/tokens/x', { headers })
  expect(response.status, JSON.stringify(world.log)).toBe(200)
  return (world.outside.last.headers.get('authorization') ?? '').slice(7)
}

export const kidOf = (assertion: string) => decodeProtectedHeader(assertion).kid

/** As an origin checks it. */
export function accept(assertion: string, keys: KeySet) {
  const currentDate = new Date()
  const policy = { audience: 'tokens', issuer: 'https://shop.test', typ: 'sallyport+jwt' }
  return jwtVerify(assertion, createLocalJWKSet(keys), { ...policy, currentDate })
}

export async function operate(
  method: string,
  path: string,
  { body, client = new Browser(), claims = {} }: Operating = {},
): Promise<Response> {
  const said = { sub: 'app', aud: 'operator', scope: 'marks', ...claims }
  const authorization = `Bearer ${await world.outside.as.token(said)}`
  const text = body === undefined ? undefined : JSON.stringify(body)
  return client.send(`/auth/operator${path}`, {
    method,
    headers: {
      authorization,
      ...(text === undefined ? {} : { 'content-length': String(text.length) }),
    },
    ...(text === undefined ? {} : { body: text }),
  })
}

export interface Operating {
  readonly body?: unknown
  readonly client?: Browser
  readonly claims?: Readonly<Record<string, unknown>>
}
