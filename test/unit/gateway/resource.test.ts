import { describe, expect, it } from 'vitest'

import { answerResource, metadataUrl } from '../../../src/gateway/resource.ts'
import { canonicalUrl } from '../../../src/http/canonical-url.ts'
import { now } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const issuers = [
  { id: 'as', issuer: 'https://as.example', algorithms: ['ES256'] },
  { id: 'partner', issuer: 'https://partner.example', algorithms: ['ES256'] },
]
const upstream = { url: 'https://api.internal.example' }
const site = siteOf({
  site: {
    routes: [
      { path: '/*', access: 'public', upstream },
      {
        path: '/api/orders/*',
        access: { any: ['session', 'bearer'], audience: 'a', issuers: ['as'], scopes: ['orders'] },
        upstream,
      },
      {
        path: '/api/orders/:id/pay',
        access: {
          any: ['machine'],
          audience: 'a',
          issuers: ['partner'],
          scopes_any: ['pay', 'orders'],
        },
        upstream,
      },
      { path: '/api/status', access: { any: ['bearer'], audience: 'a' }, upstream },
    ],
  },
  env: { ISSUERS: issuers },
})

function ask(path: string, method = 'GET') {
  const url = canonicalUrl(`https://shop.example.com${path}`)
  if (!url.ok) throw new Error('not canonical')
  return answerResource({
    request: new Request(url.value.href, { method }),
    url: url.value,
    site,
    now,
  })
}

async function metadata(path: string): Promise<unknown> {
  const answer = ask(path)
  return answer.ok ? answer.value.json() : answer.denial.reason
}

const wellKnown = '/.well-known/oauth-protected-resource'

describe('the metadata of a protected resource', () => {
  it('names its issuers and scopes', async () => {
    expect(await metadata(`${wellKnown}/api/orders`)).toEqual({
      resource: 'https://shop.example.com/api/orders',
      authorization_servers: ['https://as.example', 'https://partner.example'],
      bearer_methods_supported: ['header'],
      scopes_supported: ['orders', 'pay'],
      resource_name: 'shop',
    })
    expect(await metadata(`${wellKnown}/api/status`)).toMatchObject({
      resource: 'https://shop.example.com/api/status',
      authorization_servers: ['https://as.example', 'https://partner.example'],
    })
  })

  it('is there for the whole site too', async () => {
    expect(await metadata(wellKnown)).toMatchObject({
      resource: 'https://shop.example.com',
      scopes_supported: ['orders', 'pay'],
    })
  })

  it('is nowhere else, and says nothing of routes without tokens', async () => {
    for (const path of ['/', '/api', '/api/orders/', '/api/orders/7', '/news'])
      expect(await metadata(`${wellKnown}${path}`), path).toBe('route_unknown')
  })

  it('may be read by any page, and kept for a while', () => {
    const answer = ask(wellKnown)
    const headers = answer.ok ? answer.value.headers : new Headers()
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(headers.get('cache-control')).toBe('public, max-age=300')
    expect(ask(wellKnown, 'HEAD').ok).toBe(true)
    expect(ask(wellKnown, 'POST')).toMatchObject({ denial: { reason: 'method_not_allowed' } })
  })

  it('lies where each route’s challenge says', async () => {
    const routes = site.routes.all.filter(({ path }) => path !== '/*')
    for (const route of routes) {
      const url = new URL(metadataUrl('https://shop.example.com', route))
      expect(await metadata(url.pathname), route.path).toHaveProperty('resource')
    }
    expect(
      metadataUrl(
        'https://shop.example.com',
        site.routes.all.find(({ path }) => path === '/*')!,
      ),
    ).toBe(`https://shop.example.com${wellKnown}`)
  })
})
