/** Fakes of the gateway's ports, for tests of one module by itself. */
import type { GatewayServices } from '../../../src/gateway/services.ts'
import { canonicalUrl } from '../../../src/http/canonical-url.ts'
import type { UpstreamRequest } from '../../../src/http/upstreams.ts'
import type { Visit } from '../../../src/http/visit.ts'
import { RenewedCache } from '../../../src/renewed-cache.ts'
import { type Signer, signerWith } from '../../../src/keys/signer.ts'
import { Seal } from '../../../src/seal.ts'
import { sealAccessCookie } from '../../../src/session/access-cookie.ts'
import type { Identity } from '../../../src/session/session.ts'
import { TimedCache } from '../../../src/timed-cache.ts'
import { makeSigner } from './keys.ts'
import { siteOf } from './vars.ts'

export const now = 1_800_000_000
export const site = siteOf()
export const seal = await Seal.fromKeys([new Uint8Array(32).fill(1)])
const key = await makeSigner('ES256', 'k1')

export const ada: Identity = {
  sessionId: 'ses_AAAAAAAAAAAAAAAAAAAAAA',
  issuer: 'https://id.example.com',
  subject: 'ada',
  claims: { email: 'ada@example.com', salary: 1 },
  createdAt: now,
  issuedAt: now,
  providerSession: undefined,
  authTime: undefined,
  acr: undefined,
  scope: 'openid',
}

export interface Sent extends UpstreamRequest {
  readonly url: string
}

export interface Ports extends GatewayServices {
  readonly sent: Sent[]
  /** What `sessions` was asked. */
  readonly asked: string[]
  answer: () => Response
  /** Who signs. */
  signer: Signer
}

export function makePorts(): Ports {
  let count = 0
  const ports: Ports = {
    sent: [],
    asked: [],
    answer: () => new Response('from the origin'),
    seal,
    log: () => {},
    sessions: {
      create: () => Promise.reject(new Error('not here')),
      end: async () => undefined,
      peek: async () => ({ ok: true, value: { identity: ada, refreshBy: now + 1800 } }),
      identity: async () => ada,
      token: () => Promise.reject(new Error('not here')),
      renewBound: () => Promise.reject(new Error('not here')),
      bind: () => Promise.reject(new Error('not here')),
      renew: async (_site, cookie) => {
        ports.asked.push(`renew ${String(cookie.number)}`)
        const refreshCookie = `${ada.sessionId}.${String(cookie.number + 1)}.${'B'.repeat(43)}`
        return { ok: true, value: { identity: ada, refreshCookie, refreshBy: now + 1800 } }
      },
    },
    signer: signerWith('k1', 'ES256', key.privateKey),
    signingKeys: { current: async () => ports.signer },
    random: () => `random-${String(++count)}`,
    originTokens: new TimedCache(),
    ownTokens: new RenewedCache(async () => {}),
    originNonces: new TimedCache(),
    assertions: new RenewedCache<string>(
      (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds)),
    ),
    introspections: new TimedCache(),
    tokens: new TimedCache(),
    openedCookies: new TimedCache(),
    decryptionKeys: async () => [],
    rateLimits: { count: async () => true },
    connections: {
      watchStream: (body) => body,
      relay: (upstream) => upstream,
    },
    revocations: {
      isRevoked: async () => false,
      catchUp: async () => {},
      add: async () => {},
      list: async () => [],
      remove: async () => false,
      wasSeen: async () => false,
      see: async () => {},
      age: () => 0,
    },
    directory: {
      metadata: () => Promise.reject(new Error('not here')),
      keys: () => Promise.reject(new Error('not here')),
      keysAtHand: () => undefined,
    },
    outbound: () => Promise.reject(new Error('not here')),
    nonceTags: (page, nonce) => new Response(`${nonce} in the tags`, page),
    upstreams: {
      async fetch(_upstream, url, init) {
        ports.sent.push({ ...init, url })
        return ports.answer()
      },
    },
  }
  return ports
}

export function visit(path: string, init: RequestInit = {}): Visit {
  const url = canonicalUrl(`https://shop.example.com${path}`)
  if (!url.ok) throw new Error('not canonical')
  return { request: new Request(url.value.href, init), url: url.value, site, now }
}

export function accessCookie(identity: Identity = ada, expiresAt = now + 300): Promise<string> {
  return sealAccessCookie(seal, site, identity, expiresAt, now + 1800)
}

export async function signedIn(more: Record<string, string> = {}): Promise<Record<string, string>> {
  return { cookie: `${site.cookies.access}=${await accessCookie()}`, ...more }
}

export function refreshOnly(more: Record<string, string> = {}): Record<string, string> {
  const cookie = `${site.cookies.refresh}=${ada.sessionId}.0.${'A'.repeat(43)}`
  return { cookie, ...more }
}
