import { expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { siteOf, varsOf, writtenRoutes } from '../world/vars.ts'

const binding = { fetch: () => undefined }

function timeoutOf(upstream: object): unknown {
  const site = siteOf({
    env: { APP: binding },
    site: { routes: [{ path: '/*', access: 'public', upstream }] },
  })
  const [route] = site.routes.all
  return route !== undefined && 'timeout' in route.upstream ? route.upstream.timeout : 'nothing'
}

it('limits the wait for origins behind a network, stated or not', () => {
  expect(timeoutOf({ url: 'https://api.internal.example' })).toBe(30)
  expect(timeoutOf({ url: 'https://api.internal.example', timeout: '5s' })).toBe(5)
  expect(timeoutOf({ url: 'https://api.internal.example', certificate: 'APP' })).toBe(30)
})

it('limits the wait for bindings where it is stated', () => {
  expect(timeoutOf({ service: 'APP' })).toBeUndefined()
  expect(timeoutOf({ service: 'APP', timeout: '5s' })).toBe(5)
  expect(timeoutOf({ assets: 'APP' })).toBeUndefined()
})

function parse(upstream: object, site: object = {}) {
  const route = { ...writtenRoutes[0], upstream, forward: 'none' }
  return parseConfig(varsOf({ site: { routes: [route], ...site } }))
}

function problemsOf(...args: Parameters<typeof parse>) {
  const parsed = parse(...args)
  return parsed.ok ? {} : Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

const url = 'https://api.internal.example'

it('has a limit for standing still only where it says one', () => {
  for (const [written, seconds] of [
    [{}, undefined],
    [{ idle: '90s' }, 90],
  ] as const) {
    const parsed = parse({ url, ...written })
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
    expect(parsed.config.sites[0]?.routes.all[0]?.upstream).toMatchObject({ idle: seconds })
  }
  for (const idle of ['0s', '2h', 60]) {
    expect(problemsOf({ url, idle })).toHaveProperty('SITES[0].routes[0].upstream.idle')
  }
})

it('has none where somebody else forwards', () => {
  const at = 'SITES[0].routes[0].upstream.idle'
  const proxies = [{ kind: 'nginx', secret: { secret: 'PROXY_SECRET' } }]
  expect(problemsOf({ proxy: true }, { proxies })).not.toHaveProperty(at)
  expect(problemsOf({ proxy: true, idle: '60s' }, { proxies })).toHaveProperty(
    at,
    'is for an upstream to which we forward ourselves',
  )
})
