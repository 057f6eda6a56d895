/**
 * Requests to providers: https (plain http for a loopback provider in development), no redirects, bounded in
 * time and size.
 */
import type { Publisher } from '../config/issuer.ts'
import { Fault } from '../fault.ts'
import type { Outbound } from '../oidc/outbound.ts'

/** More than any discovery document, key set or token answer needs. */
const mostBytes = 262_144

export const outbound: Outbound = async (party, url, init) => {
  checkTarget(party, url)
  const timeout = AbortSignal.timeout(party.timeout * 1000)
  try {
    const response = await fetch(url, {
      method: init.method ?? 'GET',
      headers: init.headers ?? {},
      body: init.body ?? null,
      redirect: 'manual',
      signal: timeout,
    })
    const body = await readBounded(response)
    // A redirect from an endpoint is an answer like any other wrong one. attack: provider-redirect
    return new Response(isNullBody(response.status) ? null : body, {
      status: response.status,
      headers: response.headers,
    })
  } catch (error) {
    if (error instanceof Fault) throw error
    const path = new URL(url).pathname
    if (timeout.aborted)
      throw new Fault('provider_slow', `no answer from ${path} in ${party.timeout} s`)
    throw new Fault('provider_unreachable', path, { cause: error })
  }
}

/** attack: server-side-request-forgery */
function checkTarget(party: Pick<Publisher, 'insecure'>, url: string): void {
  const target = URL.parse(url)
  const secure = target?.protocol === 'https:'
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(target?.hostname ?? '')
  if (target !== null && (secure || (party.insecure && loopback && target.protocol === 'http:')))
    return
  throw new Fault('provider_malformed', 'the provider names an endpoint that is not https')
}

async function readBounded(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunksOf(response)) {
    length += chunk.byteLength
    if (length > mostBytes)
      throw new Fault('provider_malformed', `an answer of more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  const whole = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    whole.set(chunk, at)
    at += chunk.byteLength
  }
  return whole
}

function chunksOf(response: Response): AsyncIterable<Uint8Array> | Iterable<Uint8Array> {
  return response.body ?? []
}

function isNullBody(status: number): boolean {
  return status === 204 || status === 205 || status === 304
}
