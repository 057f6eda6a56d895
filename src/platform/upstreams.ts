/**
 * Requests to origins: by URL, by service binding, or from the static assets.
 */
import { Fault } from '../fault.ts'
import type { Upstreams } from '../http/upstreams.ts'

export function upstreamsOf(env: Readonly<Record<string, unknown>>): Upstreams {
  return {
    async fetch(upstream, url, { method, headers, body }) {
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
        if (upstream.kind === 'url') return await fetch(request)
        return await bindingOf(env, upstream.binding).fetch(request)
      } catch (error) {
        if (error instanceof Fault) throw error
        if (controller.signal.aborted) {
          throw new Fault('upstream_slow', `no headers in ${upstream.timeout} s`)
        }
        throw new Fault(
          'upstream_unreachable',
          upstream.kind === 'url' ? upstream.url.host : upstream.binding,
          {
            cause: error,
          },
        )
      } finally {
        clearTimeout(timer)
      }
    },
  }
}

function bindingOf(env: Readonly<Record<string, unknown>>, name: string): Fetcher {
  const binding = env[name]
  if (typeof binding !== 'object' || binding === null || !('fetch' in binding)) {
    throw new Fault('upstream_misconfigured', `there is no binding ${name}`)
  }
  return binding as Fetcher
}
