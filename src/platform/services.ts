/**
 * Everything behind the ports, for this isolate: made once, from the environment.
 */
import type { Result } from '../denial.ts'
import { RenewedCache } from '../renewed-cache.ts'
import type { Access } from '../session/access-cookie.ts'
import { TimedCache } from '../timed-cache.ts'
import type { RememberedToken, VerifiedToken } from '../token/access-token.ts'
import type { SentToken } from '../oidc/origin-proof.ts'
import { pause } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import { decryptionKeysOf } from './decryption-keys.ts'
import { Denylist } from './denylist.ts'
import { devicesOf } from './devices.ts'
import type { Environment } from './environment.ts'
import { IssuerDocuments } from './issuer-documents.ts'
import { WatchedConnections } from './live-connections.ts'
import { nonceTags } from './nonce-tags.ts'
import { outbound } from './outbound.ts'
import { randomText } from './random.ts'
import { rateLimitsOf } from './rate-limits.ts'
import { sealOf } from './seal-keys.ts'
import { sessionsOf } from './session-stub.ts'
import { SiteKeys } from './site-keys.ts'
import { upstreamsOf } from './upstreams.ts'

export type PlatformServices = Awaited<ReturnType<typeof make>>

const made = new WeakMap<Environment, PlatformServices>()

/** At hand for all but the first requests of an isolate. Throws `Fault` (`configuration`). */
export function servicesOf(env: Environment): PlatformServices | Promise<PlatformServices> {
  return made.get(env) ?? makeAndKeep(env)
}

async function makeAndKeep(env: Environment): Promise<PlatformServices> {
  const services = await make(env)
  made.set(env, services)
  return services
}

async function make(env: Environment) {
  const config = configurationOf(env)
  const seal = await sealOf(env)
  const siteKeys = new SiteKeys(env, seal)
  const revocations = new Denylist(env)
  return {
    config,
    seal,
    sessions: sessionsOf(env),
    log: consoleLog,
    directory: new IssuerDocuments(env),
    outbound,
    random: randomText,
    signingKeys: siteKeys,
    publishedKeys: siteKeys,
    upstreams: upstreamsOf(env, consoleLog),
    keyRings: siteKeys,
    nonceTags,
    assertions: new RenewedCache<string>(pause),
    originTokens: new TimedCache<SentToken>(),
    ownTokens: new RenewedCache<SentToken>(pause),
    originNonces: new TimedCache<string>(),
    introspections: new TimedCache<Result<VerifiedToken>>(),
    // A few MiB at most, each.
    tokens: new TimedCache<RememberedToken>(1000),
    openedCookies: new TimedCache<Access>(1000),
    decryptionKeys: decryptionKeysOf,
    revocations,
    rateLimits: rateLimitsOf(env, consoleLog),
    devices: devicesOf(env),
    connections: new WatchedConnections(revocations, consoleLog),
  }
}
