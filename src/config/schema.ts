/**
 * What an operator may write under `[vars]`: every key, its type, its bounds, its default. The reasons of
 * the defaults are in `docs/configuration.md`, which a test holds against `knownKeys`.
 */
import {
  count,
  dictionary,
  duration,
  either,
  flag,
  isTable,
  list,
  oneOf,
  optional,
  optionalTable,
  type Parsed,
  table,
  text,
} from './field.ts'
import { access, rule } from './access-schema.ts'
import { browserRoute, browserSite } from './browser-schema.ts'
import { custodian, custodyKeys } from './custodian-schema.ts'
import { issuer } from './issuer-schema.ts'
import {
  anyText,
  assertionAlgorithm,
  binding,
  clientAuthMethod,
  httpUrl,
  identifier,
  scope,
  secretReference,
  signatureAlgorithm,
} from './words.ts'

const provider = table({
  id: identifier,
  issuer: httpUrl,
  client_id: anyText,
  client_auth: optional(clientAuthMethod, 'client_secret_basic'),
  client_secret: optional(secretReference, undefined),
  private_key: optional(secretReference, undefined),
  scopes: optional(list(scope, 1), ['openid']),
  id_token_algorithm: optional(signatureAlgorithm, 'RS256'),
  distrusted_keys: optional(list(anyText), []),
  response_mode: optional(oneOf(['query', 'form_post']), 'query'),
  pushed_requests: optional(oneOf(['when_offered', 'required', 'never']), 'when_offered'),
  userinfo: optional(flag(), false),
  dpop: optional(flag(), false),
  parameters: optional(
    dictionary(/^[a-z_]{1,64}$/, 'must be a parameter name (a-z and _) with a text value'),
    new Map<string, string>(),
  ),
  timeout: optional(duration(1, 30), 5),
})

const upstream = table({
  url: optional(httpUrl, undefined),
  service: optional(binding, undefined),
  assets: optional(binding, undefined),
  proxy: optional(flag(), undefined),
  certificate: optional(binding, undefined),
  fallback: optional(text(/^\/[^\s?#]*$/, 'must be the path of an asset'), undefined),
  timeout: optional(duration(1, 300), undefined),
  idle: optional(duration(1, 3600), undefined),
  retry: optional(count(0, 2), 0),
})

const tokenTarget = table({
  audience: optional(anyText, undefined),
  resource: optional(httpUrl, undefined),
  scopes: optional(list(scope, 1), []),
  downgrade: optional(oneOf(['bearer']), undefined),
})

const forward = either(
  { when: (value) => typeof value === 'string', field: oneOf(['none', 'access_token']) },
  table({
    assertion: optional(
      table({
        audience: anyText,
        header: optional(oneOf(['Authorization', 'Sallyport-Assertion']), 'Authorization'),
        claims: optional(list(anyText), []),
      }),
      undefined,
    ),
    exchange: optional(tokenTarget, undefined),
    client_credentials: optional(tokenTarget, undefined),
  }),
)

const revocation = table({
  bound: optional(duration(2, 300), 10),
  when_unsure: optional(oneOf(['closed', 'open']), 'closed'),
  strict: optional(flag(), false),
  watch_connections: optional(flag(), true),
})

/** The platform counts over one of two periods (`[[ratelimits]]`). */
const rateLimit = table({
  id: identifier,
  binding,
  limit: count(1, 10_000_000),
  period: oneOf(['10s', '60s']),
})

const siteLimits = table({
  login: optional(identifier, undefined),
  callback: optional(identifier, undefined),
  refresh: optional(identifier, undefined),
  revoke: optional(identifier, undefined),
  introspection: optional(identifier, undefined),
  events: optional(identifier, undefined),
  operator: optional(identifier, undefined),
})

const route = table({
  path: text(/^\/[^\s?#]*$/, 'must be a path pattern such as "/api/orders/*" or "/users/:id"'),
  methods: optional(
    list(text(/^[A-Z]{3,16}$/, 'must be an HTTP method in capitals'), 1),
    undefined,
  ),
  path_parameters: optional(flag(), false),
  access,
  upstream,
  forward: optional(forward, 'none'),
  revocation: optionalTable(revocation),
  cache: optional(oneOf(['private', 'origin']), 'private'),
  ...browserRoute,
  rate_limit: optional(table({ limit: identifier, per: oneOf(['caller', 'address']) }), undefined),
})

const proxy = table({
  kind: oneOf(['nginx', 'traefik', 'caddy']),
  secret: optional(secretReference, undefined),
  certificates: optional(
    list(
      text(
        /^(?:[0-9A-Fa-f]{2}:?){31}[0-9A-Fa-f]{2}$/,
        'must be the SHA-256 of a certificate in hex, with or without colons',
      ),
      1,
    ),
    undefined,
  ),
  plain: optional(flag(), false),
})

const whenMoved = optional(oneOf(['ignore', 'note', 'sign_in', 'end']), 'ignore')

const site = table({
  id: identifier,
  hosts: list(
    text(
      /^(?:[a-z0-9-]+(?:\.[a-z0-9-]+)*|\[[0-9a-f:]+\])(?::[0-9]{1,5})?$/,
      'must be a host name in lower case, with its port where that is not the standard one',
    ),
    1,
  ),
  provider: optional(identifier, undefined),
  base_path: optional(
    text(/^(?:\/[a-z0-9-]+)+$/, 'must be a path such as "/auth", without a slash at the end'),
    '/auth',
  ),
  development: optional(flag(), false),
  cookies: optionalTable(
    table({
      same_site: optional(oneOf(['lax', 'strict']), 'lax'),
      secure: optional(flag(), true),
    }),
  ),
  session: optionalTable(
    table({
      access: optional(duration(2, 3600), 300),
      idle: optional(duration(4, 2_592_000), 1800),
      absolute: optional(duration(4, 7_776_000), 43_200),
      grace: optional(duration(1, 120), 30),
      most: optional(count(1, 100), undefined),
      device_bound: optional(oneOf(['off', 'prefer', 'require']), 'off'),
      when_moved: optionalTable(
        table({ country: whenMoved, network: whenMoved, browser: whenMoved }),
      ),
    }),
  ),
  login: optionalTable(
    table({
      lifetime: optional(duration(10, 3600), 600),
      return_to: optional(text(/^\/[^\s\\]*$/, 'must be a path inside the site'), '/'),
    }),
  ),
  logout: optionalTable(
    table({ return_to: optional(text(/^\/[^\s\\]*$/, 'must be a path inside the site'), '/') }),
  ),
  assertion: optionalTable(
    table({
      lifetime: optional(duration(10, 600), 120),
      algorithm: optional(assertionAlgorithm, 'ES256'),
      rotate_every: optional(duration(20, 31_622_400), 2_592_000),
      keys_bound: optional(duration(2, 300), 60),
      keys_max_age: optional(duration(1, 3600), 60),
      keys_kept: optional(duration(1, 604_800), 3600),
      custodian: optional(identifier, undefined),
      key: optional(custodyKeys, undefined),
    }),
  ),
  operator: optional(rule, undefined),
  events: optional(table({ issuer: identifier, audience: anyText }), undefined),
  identity_headers: optional(
    list(text(/^[a-z0-9-]{1,64}$/, 'must be a header name in lower case')),
    [],
  ),
  ...browserSite,
  proxies: optional(list(proxy, 1), []),
  rate_limits: optionalTable(siteLimits),
  routes: list(route, 1),
})

/** `PROVIDERS`, `ISSUERS`, `RATE_LIMITS`, `CUSTODIANS`, `SITES` and `REVOCATION`, as written. */
export const vars = table({
  PROVIDERS: optional(list(provider, 1), []),
  ISSUERS: optional(list(issuer, 1), []),
  RATE_LIMITS: optional(list(rateLimit, 1), []),
  CUSTODIANS: optional(list(custodian, 1), []),
  SITES: list(site, 1),
  REVOCATION: optionalTable(table({ shards: optional(count(1, 64), 1) })),
})

export type WrittenProvider = Parsed<typeof provider>
export type WrittenSite = Parsed<typeof site>
export type WrittenRoute = Parsed<typeof route>
export type WrittenRateLimit = Parsed<typeof rateLimit>

/** Every key an operator may write, as a path with `[]` for each list. */
export const knownKeys: readonly string[] = vars.paths.map((path) => path.slice(1))

/** Whether a value looks like the vars of a Worker at all. */
export function isVars(value: unknown): value is Readonly<Record<string, unknown>> {
  return isTable(value)
}
