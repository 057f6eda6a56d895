/**
 * Requests to origins: by URL, by service binding, or from the static assets.
 */
import type { Origin } from '../config/route.ts'
import { Fault } from '../fault.ts'
import type { UpstreamRequest, Upstreams } from '../http/upstreams.ts'
import type { Log } from '../log.ts'
import { IdleLimit } from './idle.ts'

/** Milliseconds before a request is sent again, for each time it was. */
const pause = 50

export function upstreamsOf(env: Readonly<Record<string, unknown>>, log: Log): Upstreams {
  return {
    async fetch(upstream, url, init) {
      const most = isRepeatable(init) ? upstream.retry : 0
      for (let repeated = 0; ; repeated++) {
        const isLast = repeated === most
        try {
          const response = await send(env, log, upstream, url, init)
          if (isLast || !isPassing(response)) return response
          await response.body?.cancel()
        } catch (error) {
          // One that came too late has had its time.
          const mayComeBack = error instanceof Fault && error.kind === 'upstream_unreachable'
          if (isLast || !mayComeBack) throw error
        }
        await scheduler.wait(pause * (repeated + 1))
      }
    },
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
  url: URL,
  { method, headers, body, encoding }: UpstreamRequest,
): Promise<Response> {
  const controller = new AbortController()
  const idle = idleLimitOf(upstream, controller, log)
  // The limit is for the headers: a stream that has begun may take its time.
  const timer = setTimeout(() => controller.abort(), upstream.timeout * 1000)
  try {
    const request = new Request(url, {
      method,
      headers,
      body: body === null ? null : (idle?.upload(body, headers) ?? body),
      redirect: 'manual',
      signal: controller.signal,
    })
    const binding = upstream.kind === 'url' ? upstream.certificate : upstream.binding
    // The runtime heeds this here, not in the request.
    const how = { encodeResponseBody: encoding }
    const response =
      binding === undefined
        ? await fetch(request, how)
        : await bindingOf(env, binding).fetch(request, how)
    return idle === undefined || method === 'HEAD' ? response : idle.answer(response, encoding)
  } catch (error) {
    if (error instanceof Fault) throw error
    if (idle?.hasEnded === true) throw idleFault(upstream)
    if (controller.signal.aborted) {
      throw new Fault('upstream_slow', `no headers in ${upstream.timeout} s`)
    }
    throw new Fault(
      'upstream_unreachable',
      upstream.kind === 'url' ? upstream.url.host : upstream.binding,
      { cause: error },
    )
  } finally {
    clearTimeout(timer)
  }
}

/** Absent by default: bodies then stream past us, and nobody here looks at them. */
function idleLimitOf(
  upstream: Origin,
  controller: AbortController,
  log: Log,
): IdleLimit | undefined {
  if (upstream.idle === undefined) return undefined
  return new IdleLimit(upstream.idle, (why) => {
    if (why === 'idle') {
      const { kind, message } = idleFault(upstream)
      log('error', 'upstream.idle', { kind, detail: message })
    }
    controller.abort()
  })
}

function idleFault({ idle }: Origin): Fault {
  return new Fault('upstream_idle', `nothing moved for ${String(idle)} s`)
}

function bindingOf(env: Readonly<Record<string, unknown>>, name: string): Fetcher {
  const binding = env[name]
  if (typeof binding !== 'object' || binding === null || !('fetch' in binding)) {
    throw new Fault('upstream_misconfigured', `there is no binding ${name}`)
  }
  return binding as Fetcher
}
