/**
 * What an origin says about itself, read once. A mistake here is thrown at the start, with what to mend: a
 * verifier that guessed a missing audience would accept what was made for somebody else.
 */

export interface VerifierOptions {
  /**
   * The sites whose assertions are accepted, each as the origin that stands in `iss` (`https://shop.example.com`), or
   * with the address of its key set where that is not `/.well-known/jwks.json` there.
   */
  readonly site: string | Site | readonly (string | Site)[]
  /** This origin's own `aud`, as the route says (`forward.assertion.audience`), or several. There is no default. */
  readonly audience: string | readonly string[]
  /** Default `['ES256']`. */
  readonly algorithms?: readonly Algorithm[]
  /** Seconds: a key set is asked for again after this time even where its `Cache-Control` allows more. Default 300. */
  readonly maxAge?: number
  /** Seconds: at most one question for an unknown `kid` in this time. Default 10. */
  readonly cooldown?: number
  /** Seconds for which a key set serves beyond its age while the site cannot be asked. Default 300; 0 for never. */
  readonly staleFor?: number
  /** Seconds by which the clocks may differ. Default 5. */
  readonly clockTolerance?: number
  /** Milliseconds for one read of a key set. Default 5000. */
  readonly timeout?: number
  /** For service bindings, proxies, tests. Default: the global one. */
  readonly fetch?: Fetch
  /** Seconds since 1970. */
  readonly now?: () => number
}

export interface Site {
  readonly issuer: string
  readonly keySetUrl?: string
}

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256'
export type Fetch = (url: string, init: RequestInit) => Promise<Response>

/** The options with every default filled in; `issuers` by `iss`, each with the address of its key set. */
export interface Settings extends Required<Omit<VerifierOptions, 'site' | 'audience'>> {
  readonly issuers: ReadonlyMap<string, string>
  readonly audiences: ReadonlySet<string>
}

const supported: readonly string[] = ['ES256', 'EdDSA', 'RS256'] satisfies readonly Algorithm[]

/** Throws a TypeError that names the option and what to write instead. */
export function readOptions(options: VerifierOptions): Settings {
  const { site, audience } = options
  const audiences = typeof audience === 'string' ? [audience] : audience
  // attack: assertion-of-another-gateway
  if (!isList(audiences) || audiences.some((name) => typeof name !== 'string' || name === ''))
    throw mend('audience', "this origin's own audience, as its route says: audience: 'orders'")

  const algorithms = options.algorithms ?? ['ES256']
  if (!isList(algorithms) || algorithms.some((name) => !supported.includes(name)))
    throw mend('algorithms', `a list of some of ${supported.join(', ')}`)

  return {
    issuers: readSites(isArray(site) ? site : [site]),
    audiences: new Set(audiences),
    algorithms,
    maxAge: number(options, 'maxAge', 300, 1, 86_400),
    cooldown: number(options, 'cooldown', 10, 1, 3600),
    staleFor: number(options, 'staleFor', 300, 0, 86_400),
    clockTolerance: number(options, 'clockTolerance', 5, 0, 60),
    timeout: number(options, 'timeout', 5000, 1, 60_000),
    // Looked up when it is called, so that a replaced global is seen.
    fetch: options.fetch ?? ((url, init) => globalThis.fetch(url, init)),
    now: options.now ?? (() => Date.now() / 1000),
  }
}

function readSites(sites: readonly (string | Site | undefined)[]): ReadonlyMap<string, string> {
  const issuers = new Map<string, string>()
  for (const site of sites) {
    const issuer = typeof site === 'string' ? site : site?.issuer
    const url = typeof issuer === 'string' ? safeUrl(issuer) : undefined
    // Compared with `iss` letter for letter: another spelling of the same origin would never match.
    if (issuer === undefined || url === undefined || url.origin !== issuer)
      throw mend('site', "the site's origin, without a path or a slash: 'https://shop.example.com'")
    if (issuers.has(issuer)) throw mend('site', `each site once; ${issuer} stands twice`)
    const own = typeof site === 'object' ? site.keySetUrl : undefined
    const keySetUrl = safeUrl(own ?? `${issuer}/.well-known/jwks.json`)
    if (keySetUrl === undefined)
      throw mend('keySetUrl', `an https address; plain http is for loopback: ${issuer}`)
    issuers.set(issuer, keySetUrl.href)
  }
  if (issuers.size === 0) throw mend('site', 'at least one site')
  return issuers
}

/** https, or http where nothing leaves the machine: who can change a key set on its way can be anybody. */
function safeUrl(text: string): URL | undefined {
  if (!URL.canParse(text)) return undefined
  const url = new URL(text)
  const isLoopback = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)
  const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback)
  return isSafe && url.username === '' && url.password === '' ? url : undefined
}

type NumberOption = 'maxAge' | 'cooldown' | 'staleFor' | 'clockTolerance' | 'timeout'

function number(
  options: VerifierOptions,
  name: NumberOption,
  fallback: number,
  least: number,
  most: number,
): number {
  const value: unknown = options[name] ?? fallback
  if (typeof value !== 'number' || !(value >= least && value <= most))
    throw mend(name, `a number from ${String(least)} to ${String(most)}`)
  return value
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value) && value.length > 0
}

function isArray<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value)
}

function mend(option: string, what: string): TypeError {
  return new TypeError(`createAssertionVerifier: ${option} must be ${what}`)
}
