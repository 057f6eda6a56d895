/** An operator's vars and secrets, and what the parser makes of them. */
import type { Config, Provider, Site } from '../../../src/config/config.ts'
import { parseConfig } from '../../../src/config/parse.ts'

type Table = Readonly<Record<string, unknown>>

export const issuer = 'https://id.example.com'
export const sealKey = 'MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY'
export const otherSealKey = 'ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA'

export const writtenProvider: Table = {
  id: 'main',
  issuer,
  client_id: 'shop',
  client_secret: { secret: 'MAIN_CLIENT_SECRET' },
}

export const writtenRoutes: readonly Table[] = [
  {
    path: '/api/*',
    access: 'session',
    upstream: { url: 'https://api.internal.example' },
    forward: { assertion: { audience: 'shop-api', claims: ['email'] } },
  },
  {
    path: '/news/*',
    access: { any: ['anonymous', 'session'] },
    upstream: { url: 'https://app.internal.example' },
    forward: { assertion: { audience: 'shop-news', header: 'Sallyport-Assertion' } },
  },
  {
    path: '/report',
    methods: ['GET', 'HEAD'],
    access: 'public',
    upstream: { url: 'https://app.internal.example' },
  },
  { path: '/*', access: 'public', upstream: { url: 'https://app.internal.example' } },
]

export const writtenSite: Table = {
  id: 'shop',
  hosts: ['shop.example.com'],
  provider: 'main',
  routes: writtenRoutes,
}

/** The environment of a good configuration, with changes to its one provider and its one site. */
export function varsOf(
  changes: { readonly provider?: Table; readonly site?: Table; readonly env?: Table } = {},
): Record<string, unknown> {
  return {
    PROVIDERS: [{ ...writtenProvider, ...changes.provider }],
    SITES: [{ ...writtenSite, ...changes.site }],
    SEAL_KEYS: sealKey,
    MAIN_CLIENT_SECRET: 'the client secret',
    ...changes.env,
  }
}

export function configOf(changes: Parameters<typeof varsOf>[0] = {}): Config {
  const parsed = parseConfig(varsOf(changes))
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.problems))
  return parsed.config
}

export function siteOf(changes: Parameters<typeof varsOf>[0] = {}): Site {
  return configOf(changes).sites[0]!
}

export function providerOf(changes: Table = {}, env: Table = {}): Provider {
  return configOf({ provider: changes, env }).providers[0]!
}
