/**
 * `/auth/operator/keys`: the site's own signing keys. GET shows them, POST `…/rotate` lets the next one sign, POST
 * `…/rollover` distrusts one; every change is audited. Nothing private is ever shown.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { Visit } from '../http/visit.ts'
import { promotableAt, type Ring, rotationAt } from '../keys/ring.ts'
import type { StoredKey } from '../keys/signing-key.ts'
import type { Operator } from './authorize.ts'
import { isText, readBody } from './body.ts'
import type { OperatorServices } from './services.ts'

export async function listKeys(
  { keyRings, publishedKeys }: OperatorServices,
  { site }: Visit,
): Promise<Result<Response>> {
  if (site.assertion.custody !== undefined) {
    const { keys } = await publishedKeys.document(site)
    const custodian = site.assertion.custody.account.id
    return answer({
      custodian,
      keys: keys.map(({ kid, alg }, i) => ({ kid, alg, state: i === 0 ? 'active' : 'published' })),
    })
  }
  return answer(describe(await keyRings.show(site), site))
}

/** 200 with the keys as they are then; 409 with the time from which it is possible. */
export async function rotateKeys(
  { keyRings, log }: OperatorServices,
  { site }: Visit,
  operator: Operator,
): Promise<Result<Response>> {
  if (site.assertion.custody !== undefined) return inCustody
  const rotated = await keyRings.rotate(site)
  if (!rotated.ok) return rotated
  const { kid } = rotated.value.active
  log('warn', 'operator.keys_rotated', { site: site.id, by: operator.name, kid })
  return answer(describe(rotated.value, site))
}

/** `{ kid?, reason? }`, or no body: 200 with what was distrusted, and until when it may still be met. */
export async function rollOverKeys(
  { keyRings, log }: OperatorServices,
  { request, site }: Visit,
  operator: Operator,
): Promise<Result<Response>> {
  const body = request.body === null ? accept({}) : await readBody(request)
  if (!body.ok) return body
  const { kid, reason = '' }: { readonly kid?: unknown; readonly reason?: unknown } = body.value
  if (kid !== undefined && !isText(kid))
    return deny({ reason: 'parameter_malformed', parameter: 'kid' })
  if (typeof reason !== 'string' || reason.length > 200)
    return deny({ reason: 'parameter_malformed', parameter: 'reason' })
  if (site.assertion.custody !== undefined) return inCustody
  const rolled = await keyRings.rollOver(site, kid)
  if (!rolled.ok) return rolled
  const { ring, distrusted, at } = rolled.value
  const by = operator.name
  log('warn', 'operator.keys_rolled_over', { site: site.id, by, kid: distrusted, reason })
  const { keysBound, keysMaxAge, keysKept } = site.assertion
  return answer({
    distrusted,
    // By an isolate that does not know yet; by origins that heed max-age; by those that do not.
    signs_until: at + keysBound,
    accepted_until: at + keysBound + keysMaxAge,
    accepted_at_most_until: at + keysBound + keysMaxAge + keysKept,
    ...describe(ring, site),
  })
}

/** Which keys sign there, and which are published, is the configuration's word. */
const inCustody = deny({ reason: 'keys_in_custody' })

function describe(ring: Ring, site: Site) {
  const { next, active, retiring, overlap } = ring
  return {
    keys: [
      ...(next === undefined ? [] : [shown(next, 'next')]),
      {
        ...shown(active, 'active'),
        active_at: active.activeAt,
        // Later than now only after a rollover to a key that was young: some origins may lack it until then.
        known_everywhere_at: active.createdAt + overlap.before,
      },
      ...retiring.map((key) => ({
        ...shown(key, 'retiring'),
        active_at: key.activeAt,
        retired_at: key.retiredAt,
        published_until: key.publishedUntil,
      })),
    ],
    rotation: { possible_from: promotableAt(ring), planned_at: rotationAt(ring, site.assertion) },
  }
}

function shown({ kid, alg, createdAt }: StoredKey, state: 'next' | 'active' | 'retiring') {
  return { kid, alg, state, published_at: createdAt }
}

function answer(body: object): Result<Response> {
  return accept(Response.json(body, { headers: ownHeaders() }))
}
