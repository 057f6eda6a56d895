/**
 * Requests to origins: by URL, by service binding, or from the static assets.
 */
import type { Origin } from '../config/route.ts'
import { Fault } from '../fault.ts'
import type { UpstreamRequest, Upstreams } from '../http/upstreams.ts'

/** Milliseconds before a request is sent again, for each time it was. */
const pause = 50

export function upstreamsOf(env: Readonly<Record<string, unknown>>): Upstreams {
  return {
    async fetch(upstream, url, init) {
      const most = isRepeatable(init) ? upstream.retry : 0
      for (let repeated = 0; ; repeated++) {
        const isLast = repeated === most
        try {
          const response = await send(env, upstream, url, init)
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
  upstream: Origin,
  url: URL,
  { method, headers, body, encoding }: UpstreamRequest,
): Promise<Response> {
  const controller = new AbortController()
  // The limit is for the headers: a stream that has begun may take its time.
  const timer = setTimeout(() => controller.abort(), upstream.timeout * 1000)
  try {
    const request = new Request(url, {
      method,
      headers,
      body,
      redirect: 'manual',
      signal: controller.signal,
    })
    const binding = upstream.kind === 'url' ? upstream.certificate : upstream.binding
    // The runtime heeds this here, not in the request.
    const how = { encodeResponseBody: encoding }
    return binding === undefined
      ? await fetch(request, how)
      : await bindingOf(env, binding).fetch(request, how)
  } catch (error) {
    if (error instanceof Fault) throw error
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

function bindingOf(env: Readonly<Record<string, unknown>>, name: string): Fetcher {
  const binding = env[name]
  if (typeof binding !== 'object' || binding === null || !('fetch' in binding)) {
    throw new Fault('upstream_misconfigured', `there is no binding ${name}`)
  }
  return binding as Fetcher
}
