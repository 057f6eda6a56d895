/**
 * `routes[].upstream` → `Upstream`: what lies behind.
 */
import type { Report } from './field.ts'
import { isLoopback } from './loopback.ts'
import type { Upstream } from './route.ts'
import type { WrittenRoute, WrittenSite } from './schema.ts'
import type { Env } from './secrets.ts'

/** Seconds: a host that takes connections and says nothing would keep them all. */
const networkTimeout = 30

export function parseUpstream(
  { upstream }: WrittenRoute,
  path: string,
  site: WrittenSite,
  env: Env,
  report: Report,
): Upstream {
  const { url, service, assets, proxy, certificate, fallback, timeout, idle, retry } = upstream
  const at = `${path}.upstream`
  const kinds = [url, service, assets, proxy === true ? proxy : undefined]
  if (kinds.filter((kind) => kind !== undefined).length !== 1)
    report(at, 'must have exactly one of url, service, assets, proxy = true')
  if (certificate !== undefined && url === undefined)
    report(`${at}.certificate`, 'is for an upstream with a url')
  if (fallback !== undefined && assets === undefined)
    report(`${at}.fallback`, 'is for an upstream of assets')
  if (proxy === true) {
    if (idle !== undefined) report(`${at}.idle`, 'is for an upstream to which we forward ourselves')
    if (site.proxies.length === 0)
      report(`${at}.proxy`, 'has none to forward: the site has no proxies')
    return { kind: 'proxy' }
  }
  if (url !== undefined) {
    if (certificate !== undefined) checkBinding(certificate, `${at}.certificate`, env, report)
    const parsed = parseUrl(url, site, `${at}.url`, report)
    return {
      kind: 'url',
      url: parsed,
      certificate,
      timeout: timeout ?? networkTimeout,
      idle,
      retry,
    }
  }
  if (service !== undefined) {
    checkBinding(service, `${at}.service`, env, report)
    return { kind: 'service', binding: service, timeout, idle, retry }
  }
  if (assets !== undefined) checkBinding(assets, `${at}.assets`, env, report)
  return { kind: 'assets', binding: assets ?? '', fallback, timeout, idle, retry }
}

function parseUrl(
  url: string,
  { hosts, development }: WrittenSite,
  path: string,
  report: Report,
): URL {
  const parsed = URL.parse(url)
  const local = parsed !== null && isLoopback(parsed.hostname)
  if (parsed === null || parsed.username !== '' || parsed.password !== '') {
    report(path, 'must be a URL without credentials')
  } else if (parsed.protocol !== 'https:' && !(development && local)) {
    report(path, 'must be https; plain http is for loopback upstreams of a development site')
  } else if (hosts.includes(parsed.host)) {
    report(path, `is a host of this site (${parsed.host}): the request would come back here`)
  }
  return parsed ?? new URL('https://invalid.invalid')
}

function checkBinding(name: string, path: string, env: Env, report: Report): void {
  const value = env[name]
  if (typeof value !== 'object' || value === null || !('fetch' in value))
    report(path, `names the binding ${name}, which this Worker does not have`)
}
