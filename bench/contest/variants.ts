/** What is measured: a contender, a request, and the pass-through that it is compared with. */
import { tokensOf } from '../issuer.ts'
import { requestOf, withToken } from '../load.ts'
import type { OutsideContender } from '../outside/contender.ts'
import type { Contender, Gate, World } from './world.ts'

export interface Variant {
  readonly name: string
  readonly contender: Contender
  readonly requests: readonly Buffer[]
  /** The status of every answer. */
  readonly status: '200' | '303'
  /** Name of the variant that is the limit of this one: the same upstream, nothing else done. */
  readonly limit: string
}

/** Different tokens: more than one, fewer than would measure their parsing from cold memory. */
const tokens = 50
/** More than an isolate remembers: each is as new when it comes again. */
const manyTokens = 2500
/** What a browser's script sends beside its cookies. */
const fromBrowser = {
  'User-Agent': 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  Accept: 'application/json',
  'Accept-Language': 'en-GB,en;q=0.5',
  'Accept-Encoding': 'gzip, deflate, br',
  'Sec-Fetch-Site': 'same-origin',
  'Sec-Fetch-Mode': 'cors',
  'Sec-Fetch-Dest': 'empty',
}

/** The ratios for everyday use: what `bench:smoke` looks at. */
export async function everyday(world: World): Promise<readonly Variant[]> {
  const bare = await world.startPassThrough()
  const gate = await world.startGate()
  const oidc = await world.honoSession()
  const honoOidc = await world.startContender('hono-oidc-auth', oidc.bindings)
  const bindings = { ISSUER: world.issuer.signer.issuer, KEYS: [world.issuer.signer.publicJwk] }
  const honoJwk = await world.startContender('hono-jwk', bindings)
  const jose = await world.startContender('jose-by-hand', bindings)
  const request = await requestsOf(world)
  const limit = 'pass-through'
  return [
    variant(limit, bare, request.session(bare, oidc.cookie), limit),
    variant('public', gate, request.session(gate, oidc.cookie, '/public/x'), limit),
    variant('session', gate, request.session(gate, gate.person.cookieHeader(gate.site)), limit),
    variant('@hono/oidc-auth', honoOidc, request.session(honoOidc, oidc.cookie), limit),
    variant('pass-through, bearer', bare, request.bearer(bare, 'ES256'), 'pass-through, bearer'),
    variant('bearer ES256', gate, request.bearer(gate, 'ES256'), 'pass-through, bearer'),
    variant('jose by hand', jose, request.bearer(jose, 'ES256'), 'pass-through, bearer'),
    variant('hono jwk', honoJwk, request.bearer(honoJwk, 'ES256, typ JWT'), 'pass-through, bearer'),
  ]
}

/** Everything else that one process answers without remembering anything. */
export async function besides(
  world: World,
  known: readonly Variant[],
): Promise<readonly Variant[]> {
  const contenderOf = (name: string) => {
    const found = known.find((one) => one.name === name)?.contender
    if (found === undefined) throw new Error(`there is no ${name}`)
    return found
  }
  const gate = contenderOf('session') as Gate
  const honoJwk = contenderOf('hono jwk')
  const request = await requestsOf(world)
  const [limit, bearerLimit] = ['pass-through', 'pass-through, bearer']
  // What is compared with one another has its own process each, and the same to do.
  const narrow = await world.startGate()
  const wide = await world.startGate({ routes: 200 })
  const marked = await world.startGate({ marks: 100_000 })
  const session = (one: Gate) => request.session(one, one.person.cookieHeader(one.site))
  const copying = await world.startCopying()
  return [
    variant('copying headers, nothing else', copying, request.session(copying, undefined), limit),
    variant('bearer ES256, never seen', gate, request.bearer(gate, 'ES256, many'), bearerLimit),
    variant('bearer RS256', gate, request.bearer(gate, 'RS256'), bearerLimit),
    variant('bearer EdDSA', gate, request.bearer(gate, 'EdDSA'), bearerLimit),
    variant(
      'bearer ES256, strict revocation',
      gate,
      request.bearer(gate, 'ES256', '/strict/x'),
      bearerLimit,
    ),
    variant(
      'session, assertion',
      gate,
      request.session(gate, gate.person.cookieHeader(gate.site), '/assertion/x'),
      limit,
    ),
    {
      ...variant('login start', gate, request.session(gate, undefined, '/auth/login'), limit),
      status: '303',
    },
    variant('session, 5 routes', narrow, session(narrow), limit),
    variant('bearer ES256, 5 routes', narrow, request.bearer(narrow, 'ES256'), bearerLimit),
    variant('session, 200 routes', wide, session(wide), limit),
    variant('bearer ES256, 200 routes', wide, request.bearer(wide, 'ES256'), bearerLimit),
    variant('session, 100,000 marks', marked, session(marked), limit),
    variant('bearer ES256, 100,000 marks', marked, request.bearer(marked, 'ES256'), bearerLimit),
    variant(
      'hono jwk, keys at hand',
      honoJwk,
      request.bearer(honoJwk, 'ES256, typ JWT', '/pinned/x'),
      bearerLimit,
    ),
    ...(await overHttp(world)),
  ]
}

/** Those outside workerd that can take part, with the same origin behind HTTP as `besides` has. */
export async function outside(
  world: World,
  contenders: readonly OutsideContender[],
): Promise<readonly Variant[]> {
  const request = await requestsOf(world)
  const variants: Variant[] = []
  for (const one of contenders) {
    const { contender, cookie } = await world.startOutside(one)
    const name = `http: ${one.name}`
    const session = () =>
      variant(name, contender, request.session(contender, cookie), 'http: pass-through')
    const bearer = (more: string) =>
      variant(
        name + more,
        contender,
        request.bearer(contender, 'ES256'),
        'http: pass-through, bearer',
      )
    if (one.does === 'nothing') variants.push(session(), bearer(', bearer'))
    else variants.push(one.does === 'bearer' ? bearer('') : session())
  }
  return variants
}

async function overHttp(world: World): Promise<readonly Variant[]> {
  const bare = await world.startPassThrough(true)
  const gate = await world.startGate({ http: true })
  const oidc = await world.honoSession()
  const honoOidc = await world.startContender('hono-oidc-auth', oidc.bindings, true)
  const bindings = { ISSUER: world.issuer.signer.issuer, KEYS: [world.issuer.signer.publicJwk] }
  const jose = await world.startContender('jose-by-hand', bindings, true)
  const request = await requestsOf(world)
  const limit = 'http: pass-through'
  const bearerLimit = 'http: pass-through, bearer'
  return [
    variant(limit, bare, request.session(bare, oidc.cookie), limit),
    variant('http: public', gate, request.session(gate, oidc.cookie, '/public/x'), limit),
    variant(
      'http: session',
      gate,
      request.session(gate, gate.person.cookieHeader(gate.site)),
      limit,
    ),
    variant('http: @hono/oidc-auth', honoOidc, request.session(honoOidc, oidc.cookie), limit),
    variant(bearerLimit, bare, request.bearer(bare, 'ES256'), bearerLimit),
    variant('http: bearer ES256', gate, request.bearer(gate, 'ES256'), bearerLimit),
    variant('http: jose by hand', jose, request.bearer(jose, 'ES256'), bearerLimit),
  ]
}

function variant(
  name: string,
  contender: Contender,
  requests: readonly Buffer[],
  limit: string,
): Variant {
  return { name, contender, requests, status: '200', limit }
}

async function requestsOf(world: World) {
  const texts = new Map<string, readonly string[]>()
  for (const signer of world.signers) texts.set(signer.algorithm, await tokensOf(signer, tokens))
  // hono knows no other type of token.
  const plain = await tokensOf(world.issuer.signer, tokens, { header: () => ({ typ: 'JWT' }) })
  texts.set('ES256, typ JWT', plain)
  texts.set('ES256, many', await tokensOf(world.issuer.signer, manyTokens))
  const hostOf = (contender: Contender) => ({ Host: new URL(contender.site).host })
  return {
    session: (contender: Contender, cookie: string | undefined, path = '/session/x') => [
      requestOf(path, {
        ...hostOf(contender),
        ...fromBrowser,
        ...(cookie === undefined ? {} : { Cookie: cookie }),
      }),
    ],
    bearer: (contender: Contender, algorithm: string, path = '/bearer/x') =>
      (texts.get(algorithm) ?? []).map((token) =>
        requestOf(path, { ...hostOf(contender), Accept: 'application/json', ...withToken(token) }),
      ),
  }
}
