/**
 * Requests to providers and to custodians of keys: https (plain http for one on loopback, in development), no
 * redirects, bounded in time and size.
 */
import { Fault, type FaultKind } from '../fault.ts'
import type { CustodyOutbound } from '../keys/custody/custodian.ts'
import type { Outbound } from '../oidc/outbound.ts'

/** More than any discovery document, key set, token answer or signature needs. */
const mostBytes = 262_144

interface Kinds {
  readonly slow: FaultKind
  readonly unreachable: FaultKind
  readonly malformed: FaultKind
}

export const outbound: Outbound = boundedFetch({
  slow: 'provider_slow',
  unreachable: 'provider_unreachable',
  malformed: 'provider_malformed',
})

export const custodyOutbound: CustodyOutbound = boundedFetch({
  slow: 'custody_unreachable',
  unreachable: 'custody_unreachable',
  malformed: 'custody_malformed',
})

function boundedFetch(kinds: Kinds): Outbound & CustodyOutbound {
  return async (party, url, init) => {
    checkTarget(party, url, kinds)
    const timeout = AbortSignal.timeout(party.timeout * 1000)
    try {
      const response = await fetch(url, {
        method: init.method ?? 'GET',
        headers: init.headers ?? {},
        body: init.body ?? null,
        redirect: 'manual',
        signal: timeout,
      })
      const body = await readBounded(response, kinds)
      // A redirect from an endpoint is an answer like any other wrong one. attack: provider-redirect
      return new Response(isNullBody(response.status) ? null : body, {
        status: response.status,
        headers: response.headers,
      })
    } catch (error) {
      if (error instanceof Fault) throw error
      const path = new URL(url).pathname
      if (timeout.aborted)
        throw new Fault(kinds.slow, `no answer from ${path} in ${party.timeout} s`)
      throw new Fault(kinds.unreachable, path, { cause: error })
    }
  }
}

/** attack: server-side-request-forgery */
function checkTarget(party: { readonly insecure: boolean }, url: string, kinds: Kinds): void {
  const target = URL.parse(url)
  const secure = target?.protocol === 'https:'
  const loopback = ['localhost', '127.0.0.1', '[::1]'].includes(target?.hostname ?? '')
  if (target !== null && (secure || (party.insecure && loopback && target.protocol === 'http:')))
    return
  throw new Fault(kinds.malformed, 'an endpoint that is not https')
}

async function readBounded(response: Response, kinds: Kinds): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = []
  let length = 0
  for await (const chunk of chunksOf(response)) {
    length += chunk.byteLength
    if (length > mostBytes)
      throw new Fault(kinds.malformed, `an answer of more than ${mostBytes} bytes`)
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
