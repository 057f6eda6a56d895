/**
 * The proof of a device-bound session (Device Bound Session Credentials): a JWS by which a browser shows that it holds
 * a key which does not leave its device. The challenge in it (`jti`) is ours to judge: `session/device-challenge.ts`.
 *
 * `aud` is not asked for: browsers differ in sending it, and a challenge names site, session and purpose already.
 */
import { calculateJwkThumbprint, type JWK } from 'jose'
import { decodeBase64url } from '../base64url.ts'
import { accept, deny, type Denied, type DeviceCheck, type Result } from '../denial.ts'
import { parseJsonObject, verifyJws } from './jws.ts'
import { KeySet } from './key-set.ts'

/** Those that browsers offer. */
export const deviceKeyAlgorithms = ['ES256', 'RS256'] as const

export interface DeviceKey {
  /** Public members only. */
  readonly jwk: Readonly<JWK>
  /** RFC 7638, SHA-256: what `cnf.jkt` says (RFC 7800, RFC 9449 section 6.1). */
  readonly thumbprint: string
}

export interface Registration {
  readonly key: DeviceKey
  readonly challenge: string
}

/** A registration: signed by the very key that its header carries. The challenge says for what. */
export async function readRegistration(proof: string): Promise<Result<Registration>> {
  const jwk = publicKeyOf(proof)
  if (jwk === undefined) return refuse('header')
  const challenge = await challengeOf(proof, jwk)
  if (!challenge.ok) return challenge
  const thumbprint = await calculateJwkThumbprint(jwk)
  return accept({ key: { jwk, thumbprint }, challenge: challenge.value })
}

/** The challenge that the key has signed. Never throws. */
export async function readProof(proof: string, key: DeviceKey): Promise<Result<string>> {
  return challengeOf(proof, key.jwk)
}

async function challengeOf(proof: string, jwk: JWK): Promise<Result<string>> {
  const keys = KeySet.parse({ keys: [jwk] })
  if (keys === undefined) return refuse('key_unfit')
  const verified = await verifyJws(proof, keys, {
    algorithms: deviceKeyAlgorithms,
    types: ['dbsc+jwt'],
    maxLength: 4096,
  })
  if (!verified.ok) {
    const { denial } = verified
    return refuse(denial.reason === 'signature_refused' ? denial.check : 'signature')
  }
  const challenge = parseJsonObject(verified.value.payload)?.['jti']
  return typeof challenge === 'string' ? accept(challenge) : refuse('claim_missing')
}

/** `jwk` of the header, without whatever it may hold beside the key. */
function publicKeyOf(proof: string): JWK | undefined {
  if (proof.length > 4096) return undefined
  const bytes = decodeBase64url(proof.split('.')[0] ?? '')
  const jwk = bytes === undefined ? undefined : parseJsonObject(bytes)?.['jwk']
  if (typeof jwk !== 'object' || jwk === null) return undefined
  const { kty, crv, x, y, n, e } = jwk as Readonly<Record<string, unknown>>
  if (kty === 'EC' && [crv, x, y].every(isText)) return { kty, crv, x, y } as JWK
  if (kty === 'RSA' && [n, e].every(isText)) return { kty, n, e } as JWK
  return undefined
}

function isText(value: unknown): boolean {
  return typeof value === 'string'
}

function refuse(check: DeviceCheck): Denied {
  return deny({ reason: 'device_proof_refused', check })
}
