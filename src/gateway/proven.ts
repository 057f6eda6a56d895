/**
 * Requests whose token is bound to a key of ours: each attempt with a proof of its own, and a second one where the origin
 * wants its nonce in it (RFC 9449 section 9).
 */
import type { Origin } from '../config/route.ts'
import { Fault } from '../fault.ts'
import { isShort } from '../http/length.ts'
import type { UpstreamRequest } from '../http/upstreams.ts'
import type { Visit } from '../http/visit.ts'
import type { Prover } from '../oidc/origin-proof.ts'
import type { GatewayServices } from './services.ts'

/** Bytes of a body that is read to its end, so that it can be sent again. */
const mostRepeated = 65_536
/** Seconds for which a nonce is tried; the origin says so when it is too old. */
const nonceLife = 3600

/**
 * The origin's answer. Throws `Fault`: `upstream_proof_refused` where the origin does not take our proof, for that is
 * not the caller's doing.
 */
export async function fetchProven(
  { upstreams, originNonces, random }: GatewayServices,
  { site, now }: Visit,
  upstream: Origin,
  target: string,
  request: UpstreamRequest,
  prover: Prover,
): Promise<Response> {
  const url = new URL(target)
  // Another site's nonce is no use with this site's keys, and says nothing of it here.
  const through = upstream.kind === 'url' ? (upstream.certificate ?? '') : upstream.binding
  const place = JSON.stringify([site.id, through, url.origin])
  const { method } = request
  const prove = () =>
    prover({ method, url, nonce: originNonces.get(place, now), id: random(16), now })
  const repeatable = { ...request, prove, body: await readSmall(request) }
  for (let attempt = 1; ; attempt++) {
    const response = await upstreams.fetch(upstream, target, repeatable)
    const nonce = nonceOf(response)
    if (nonce !== undefined) originNonces.set(place, nonce, now + nonceLife)
    const refusal = proofRefusal(response)
    if (refusal === undefined) return response
    await response.body?.cancel()
    // Whatever the method: by its own word the origin refused at the door. attack: repeated-unsafe-request
    const mayRepeat = refusal === 'use_dpop_nonce' && nonce !== undefined && attempt === 1
    if (!mayRepeat || repeatable.body instanceof ReadableStream)
      throw new Fault('upstream_proof_refused', `the origin answers ${refusal}`)
  }
}

/** A body of a stated, small length in memory; any other as it streams by. */
async function readSmall({ body, headers }: UpstreamRequest): Promise<UpstreamRequest['body']> {
  const isRead = body instanceof ReadableStream && isShort(headers, mostRepeated)
  return isRead ? new Response(body).arrayBuffer() : body
}

/** RFC 9449 section 8.1: the characters of a nonce; and not so many that a header overflows. */
function nonceOf({ headers }: Response): string | undefined {
  const nonce = headers.get('dpop-nonce')
  return nonce !== null && /^[!#-[\]-~]{1,512}$/.test(nonce) ? nonce : undefined
}

/** Why the origin does not take the proof, if that is what it says (RFC 9449 section 7.1). */
function proofRefusal({
  status,
  headers,
}: Response): 'use_dpop_nonce' | 'invalid_dpop_proof' | undefined {
  const challenge = status === 401 ? headers.get('www-authenticate') : null
  if (challenge === null || !/(?:^|,)[\t ]*dpop[\t ]/i.test(challenge)) return undefined
  const [, error] = /[\t ,]error="?(use_dpop_nonce|invalid_dpop_proof)\b/.exec(challenge) ?? []
  return error === 'use_dpop_nonce' || error === 'invalid_dpop_proof' ? error : undefined
}
