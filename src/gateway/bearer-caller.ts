/**
 * From a bearer token to a caller: the issuer found in the configuration, the token verified with its keys, or
 * asked about.
 */
import type { Issuer } from '../config/issuer.ts'
import type { AccessRule } from '../config/route.ts'
import {
  accept,
  deny,
  type Denied,
  type Result,
  type SignatureCheck,
  type TokenCheck,
} from '../denial.ts'
import { sha256 } from '../digest.ts'
import { checkSiteLimit, type LimitServices } from '../http/rate-limit.ts'
import type { Visit } from '../http/visit.ts'
import { introspect, type IntrospectionParties } from '../oidc/introspection.ts'
import type { TimedCache } from '../timed-cache.ts'
import {
  type RememberedToken,
  type TokenPolicy,
  VerifiedToken,
  verifySignature,
} from '../token/access-token.ts'
import { decryptToken, type DecryptionKey } from '../token/encrypted.ts'
import {
  looksEncrypted,
  looksSigned,
  unverifiedIssuer,
  unverifiedKid,
} from '../token/unverified.ts'

/** As a signed token may be: what is asked about may look like one. */
const longestOpaque = 16_384

export interface BearerServices extends IntrospectionParties, LimitServices {
  /** The issuer's decryption keys, imported. */
  readonly decryptionKeys: (issuer: Issuer) => Promise<readonly DecryptionKey[]>
  /** What introspection said, by issuer, endpoint and the token's hash. */
  readonly introspections: TimedCache<Result<VerifiedToken>>
  /** Tokens that were good, by their text. */
  readonly tokens: TimedCache<RememberedToken>
}

/** Longer tokens are verified each time: what is remembered has a bound in bytes too. */
const longestRemembered = 4096

/** Proof that a bearer's token was verified for the audience of a rule. Only this module makes one. */
export class BearerCaller {
  readonly kind: 'bearer' | 'machine'
  readonly token: VerifiedToken
  /** As it was presented: for routes that send it on. */
  readonly text: string
  readonly #verified = true

  private constructor(token: VerifiedToken, text: string) {
    this.kind = token.isMachine ? 'machine' : 'bearer'
    this.token = token
    this.text = text
  }

  get verified(): boolean {
    return this.#verified
  }

  /** `token_refused` with the check that failed; `rate_limited` where its issuer would have to be asked too often. Throws `Fault` where an issuer is needed and cannot be asked. */
  static async authenticate(
    services: BearerServices,
    visit: Visit,
    rule: AccessRule,
    text: string,
  ): Promise<Result<BearerCaller>> {
    const known = remembered(services, rule, text, visit.now)
    const token = known ?? (await verify(services, visit, rule, text))
    if (!token.ok) return token
    // Absence never equals absence: without `aud` a token is for nobody. attack: token-for-another-audience
    const { audience } = token.value
    return rule.audience.some((name) => audience.includes(name))
      ? accept(new BearerCaller(token.value, text))
      : refuse('audience')
  }
}

async function verify(
  services: BearerServices,
  visit: Visit,
  rule: AccessRule,
  text: string,
): Promise<Result<VerifiedToken>> {
  const { now } = visit
  if (looksEncrypted(text)) return verifyEncrypted(services, rule, text, now)
  // The token's word selects among the configured, nothing more. attack: issuer-from-the-token
  const iss = looksSigned(text) ? unverifiedIssuer(text) : undefined
  if (iss === undefined) return verifyOpaque(services, visit, rule, text)
  const issuer = rule.issuers.find((candidate) => candidate.issuer === iss)
  if (issuer === undefined) return refuse('issuer_unknown')
  if (issuer.algorithms.length === 0) return verifyOpaque(services, visit, rule, text)
  if (issuer.decryption?.required === true) return refuse('encryption_missing')
  return verifyAndRemember(services, issuer, text, now)
}

/**
 * A token that was verified before: known by its whole text, for an issuer that the rule accepts, while the keys are the
 * same set. What depends on time is looked at again here; audience, revocation and rule where they always are. Only signed tokens that
 * came as such are remembered: what was inside an encrypted one is not accepted without it. attack: remembered-credential
 */
function remembered(
  { directory, tokens }: BearerServices,
  rule: AccessRule,
  text: string,
  now: number,
): Result<VerifiedToken> | undefined {
  const known = tokens.get(text, now)
  if (known === undefined) return undefined
  const issuer = rule.issuers.find((candidate) => policyOf(candidate) === known.policy)
  if (issuer === undefined || directory.keysAtHand(issuer) !== known.keys) return undefined
  return known.token.again(known.policy, now)
}

async function verifyAndRemember(
  { directory, tokens }: BearerServices,
  issuer: Issuer,
  text: string,
  now: number,
): Promise<Result<VerifiedToken>> {
  const keys = await directory.keys(issuer, unverifiedKid(text))
  const policy = policyOf(issuer)
  const signed = await verifySignature(text, keys, policy)
  if (!signed.ok) return signed
  const token = VerifiedToken.fromSigned(signed.value, policy, now)
  if (token.ok && text.length <= longestRemembered)
    tokens.set(text, { policy, keys, token: token.value }, token.value.expiresAt)
  return token
}

async function verifySigned(
  { directory }: BearerServices,
  issuer: Issuer,
  text: string,
  now: number,
): Promise<Result<VerifiedToken>> {
  const keys = await directory.keys(issuer, unverifiedKid(text))
  return VerifiedToken.verify(text, keys, policyOf(issuer), now)
}

/** Its issuer is known once it is open, so each issuer with keys may try; what is inside must be that issuer's. */
async function verifyEncrypted(
  services: BearerServices,
  rule: AccessRule,
  text: string,
  now: number,
): Promise<Result<VerifiedToken>> {
  let last: Denied = refuse('encryption')
  for (const issuer of rule.issuers) {
    if (issuer.decryption === undefined) continue
    const keys = await services.decryptionKeys(issuer)
    const inner = await decryptToken(text, keys, issuer.decryption)
    if (inner.ok) {
      if (unverifiedIssuer(inner.value) === issuer.issuer)
        return verifySigned(services, issuer, inner.value, now)
      // Another issuer may have been given the same key of ours.
      last = refuse('issuer')
    } else if (last.denial.reason !== 'token_refused' || last.denial.check === 'encryption') {
      last = inner
    }
  }
  return last
}

/** The one issuer of the rule that answers for opaque tokens (`config/parse-access.ts` allows one). */
async function verifyOpaque(
  services: BearerServices,
  visit: Visit,
  rule: AccessRule,
  text: string,
): Promise<Result<VerifiedToken>> {
  const { now } = visit
  const issuer = rule.issuers.find(({ introspection }) => introspection !== undefined)
  if (issuer?.introspection === undefined) return refuse('opaque')
  const { introspection } = issuer
  if (text.length > longestOpaque) return refuse('size')
  // One token may be good at one issuer and nothing at another. attack: introspection-cache-mix-up
  const key = JSON.stringify([issuer.id, introspection.endpoint ?? '', await sha256(text)])
  const known = services.introspections.get(key, now)
  if (known !== undefined) return known
  // Each made-up token costs the issuer a request. attack: introspection-flood
  const within = await checkSiteLimit(services, visit, 'introspection')
  if (!within.ok) return within
  const policy = policyOf(issuer)
  const answer = await introspect(services, issuer, introspection, policy, text, now)
  // A token that the issuer does not know yet may be known soon.
  const expiresAt = answer.ok
    ? Math.min(now + introspection.cache, answer.value.expiresAt)
    : now + Math.min(introspection.cache, 10)
  services.introspections.set(key, answer, expiresAt)
  return answer
}

function policyOf(issuer: Issuer): TokenPolicy {
  return issuer
}

function refuse(check: TokenCheck | SignatureCheck): Denied {
  return deny({ reason: 'token_refused', check })
}
