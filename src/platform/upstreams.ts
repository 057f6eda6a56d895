/**
 * Requests to origins: by URL, by service binding, or from the static assets.
 */
import type { Origin } from '../config/route.ts'
import { Fault } from '../fault.ts'
import type { UpstreamRequest, Upstreams } from '../http/upstreams.ts'
import type { Log } from '../log.ts'
import { type Cut, IdleLimit } from './idle.ts'

/** Milliseconds before a request is sent again, for each time it was. */
const pause = 50

export function upstreamsOf(env: Readonly<Record<string, unknown>>, log: Log): Upstreams {
  return {
    fetch(upstream, url, init) {
      const attempt = () => send(env, log, upstream, url, init)
      return upstream.retry > 0 && isRepeatable(init) ? repeat(attempt, upstream.retry) : attempt()
    },
  }
}

/** Once, and so many times more where the origin could not answer just then. */
async function repeat(attempt: () => Promise<Response>, most: number): Promise<Response> {
  for (let repeated = 0; ; repeated++) {
    const isLast = repeated === most
    try {
      const response = await attempt()
      if (isLast || !isPassing(response)) return response
      await response.body?.cancel()
    } catch (error) {
      // One that came too late has had its time.
      const mayComeBack = error instanceof Fault && error.kind === 'upstream_unreachable'
      if (isLast || !mayComeBack) throw error
    }
    await scheduler.wait(pause * (repeated + 1))
  }
}

/** Nothing that the origin may have done already is done again. attack: repeated-unsafe-request */
function isRepeatable({ method, headers, body }: UpstreamRequest): boolean {
  return (method === 'GET' || method === 'HEAD') && body === null && !headers.has('upgrade')
}

/** The origin could not answer just then; one that says when to come again is left alone until then. */
function isPassing({ status, headers }: Response): boolean {
  return (status === 502 || status === 503 || status === 504) && !headers.has('retry-after')
}

async function send(
  env: Readonly<Record<string, unknown>>,
  log: Log,
  upstream: Origin,
  url: string,
  { method, headers, body, encoding, prove }: UpstreamRequest,
): Promise<Response> {
  // Each attempt has a proof of its own. That it cannot be made is not the origin's doing.
  const proven = prove === undefined ? headers : withProof(headers, await prove())
  const limits = limitsOf(upstream, log)
  const init: RequestInit = {
    method,
    headers: proven,
    body: body instanceof ReadableStream ? (limits?.idle?.upload(body, headers) ?? body) : body,
    redirect: 'manual',
    encodeResponseBody: encoding,
  }
  if (limits !== undefined) init.signal = limits.signal
  try {
    const binding = upstream.kind === 'url' ? upstream.certificate : upstream.binding
    const response =
      binding === undefined
        ? await fetch(url, init)
        : await bindingOf(env, binding).fetch(url, init)
    const idle = method === 'HEAD' ? undefined : limits?.idle
    return idle === undefined ? response : idle.answer(response, encoding)
  } catch (error) {
    if (error instanceof Fault) throw error
    // Whoever ended it says why.
    if (limits?.signal.reason instanceof Fault) throw limits.signal.reason
    const host = upstream.kind === 'url' ? upstream.url.host : upstream.binding
    throw new Fault('upstream_unreachable', host, { cause: error })
  } finally {
    limits?.headersCame()
  }
}

function withProof(headers: Headers, proof: string): Headers {
  const more = new Headers(headers)
  more.set('dpop', proof)
  return more
}

interface Limits {
  /** Ends the exchange with the origin; its reason is the fault. */
  readonly signal: AbortSignal
  readonly idle: IdleLimit | undefined
  /** Ends the limit for the headers: a stream that has begun may take its time. */
  headersCame(): void
}

/**
 * A timer and a signal are a tenth of what a warm request costs (`docs/performance.md`): they are made where there is a
 * limit. Without one, bodies stream past us too, and nobody here looks at them.
 */
function limitsOf({ timeout, idle }: Origin, log: Log): Limits | undefined {
  if (timeout === undefined && idle === undefined) return undefined
  const controller = new AbortController()
  const slow = () =>
    controller.abort(new Fault('upstream_slow', `no headers in ${String(timeout)} s`))
  const timer = timeout === undefined ? undefined : setTimeout(slow, timeout * 1000)
  return {
    signal: controller.signal,
    idle: idle === undefined ? undefined : new IdleLimit(idle, cutBy(controller, idle, log)),
    headersCame: () => clearTimeout(timer),
  }
}

function cutBy(controller: AbortController, idle: number, log: Log): (why: Cut) => void {
  return (why) => {
    if (why === 'upload_broken') {
      controller.abort(new Fault('upstream_unreachable', 'the client broke its upload off'))
      return
    }
    const fault = new Fault('upstream_idle', `nothing moved for ${String(idle)} s`)
    log('error', 'upstream.idle', { kind: fault.kind, detail: fault.message })
    controller.abort(fault)
  }
}

function bindingOf(env: Readonly<Record<string, unknown>>, name: string): Fetcher {
  const binding = env[name]
  if (typeof binding !== 'object' || binding === null || !('fetch' in binding)) {
    throw new Fault('upstream_misconfigured', `there is no binding ${name}`)
  }
  return binding as Fetcher
}
