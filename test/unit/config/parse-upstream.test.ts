import { expect, it } from 'vitest'

import { siteOf } from '../world/vars.ts'

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
