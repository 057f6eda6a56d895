import { expect, it } from 'vitest'

import { parseConfig } from '../../../src/config/parse.ts'
import { siteOf, varsOf, writtenRoutes } from '../world/vars.ts'

const secret = { secret: 'NGINX_SECRET' }
const env = { NGINX_SECRET: 'n'.repeat(32), SHORT: 'n'.repeat(31), SPACED: `n ${'n'.repeat(40)}` }

function problemsOf(site: Record<string, unknown>): Record<string, string> {
  const parsed = parseConfig(varsOf({ site, env }))
  return parsed.ok ? {} : Object.fromEntries(parsed.problems.map(({ path, mend }) => [path, mend]))
}

const proxies = (...some: object[]) => problemsOf({ proxies: some })
const behind = { routes: [{ ...writtenRoutes[0], upstream: { proxy: true } }] }

it('is parsed with its proof', () => {
  const site = siteOf({
    site: {
      proxies: [
        { kind: 'nginx', secret, plain: true },
        { kind: 'traefik', certificates: ['AB:'.repeat(31) + 'AB'] },
      ],
      ...behind,
    },
    env,
  })
  expect(site.proxies).toMatchObject([
    { kind: 'nginx', proof: { kind: 'secret' }, plain: true },
    { kind: 'traefik', proof: { kind: 'certificate' }, plain: false },
  ])
  expect(site.proxies[1]?.proof).toEqual({
    kind: 'certificate',
    fingerprints: new Set(['ab'.repeat(32)]),
  })
  expect(site.routes.all[0]?.upstream).toEqual({ kind: 'proxy' })
  expect(JSON.stringify(site.proxies)).not.toContain('nnn')
})

it('has exactly one proof, and one that cannot be guessed', () => {
  const one = { 'SITES[0].proxies[0]': 'must have exactly one of secret and certificates' }
  expect(proxies({ kind: 'nginx' })).toEqual(one)
  expect(proxies({ kind: 'nginx', secret, certificates: ['ab'.repeat(32)] })).toEqual(one)
  for (const name of ['SHORT', 'SPACED'])
    expect(proxies({ kind: 'nginx', secret: { secret: name } })).toEqual({
      'SITES[0].proxies[0].secret':
        'must be at least 32 visible characters: `openssl rand -base64 32`',
    })
  expect(
    proxies({ kind: 'nginx', secret: { secret: 'ABSENT' } })['SITES[0].proxies[0].secret'],
  ).toMatch(/^names the secret ABSENT, which is not set/)
  expect(proxies({ kind: 'nginx', certificates: ['ab'] })).toHaveProperty(
    'SITES[0].proxies[0].certificates[0]',
  )
  expect(proxies({ kind: 'apache', secret })).toHaveProperty('SITES[0].proxies[0].kind')
  expect(proxies({ kind: 'nginx', secret }, { kind: 'caddy', secret })).toEqual({
    'SITES[0].proxies[1].secret': 'is the secret of another proxy of the site',
  })
})

it('is needed where a route lies behind one', () => {
  expect(problemsOf(behind)).toEqual({
    'SITES[0].routes[0].upstream.proxy': 'has none to forward: the site has no proxies',
  })
  const both = { url: 'https://a.example', proxy: true }
  const none = { proxy: false }
  for (const upstream of [both, none])
    expect(
      problemsOf({
        routes: [{ ...writtenRoutes[0], upstream }],
        proxies: [{ kind: 'nginx', secret }],
      }),
    ).toEqual({
      'SITES[0].routes[0].upstream': 'must have exactly one of url, service, assets, proxy = true',
    })
})

it('knows no country behind a proxy, so that no rule may depend on one', () => {
  const session = { when_moved: { country: 'end', network: 'note', browser: 'note' } }
  expect(problemsOf({ session })).toEqual({})
  const why = 'cannot be told behind proxies: leave it out'
  expect(problemsOf({ session, proxies: [{ kind: 'nginx', secret }] })).toMatchObject({
    'SITES[0].session.when_moved.country': why,
    'SITES[0].session.when_moved.network': why,
  })
})
