/**
 * The header firewall towards origins: what a client says about itself never arrives as if we had said it.
 *
 * Origins that speak CGI cannot tell `X_User` or `X.User` from `X-User`, so a name that holds anything but letters,
 * digits and `-` is not forwarded at all. attack: identity-header-spoofing
 */
import type { Site } from '../config/config.ts'
import type { CanonicalUrl } from './canonical-url.ts'
import { withoutOwnCookies } from './cookie.ts'
import type { HeaderFields } from './edited-headers.ts'

/** Meant for one hop (RFC 9110 section 7.6.1), whoever sends them. */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])

/** Never forwarded: credentials, and who the client says that it is, in the words of other gateways. */
const identities: readonly string[] = [
  'authorization',
  // A proof by somebody else's key, or one of ours seen elsewhere. attack: proof-of-another
  'dpop',
  'cookie2',
  'forwarded',
  'via',
  'x-csrf',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-remote-ip',
  'x-remote-addr',
  'x-originating-ip',
  'true-client-ip',
  'fastly-client-ip',
  'x-user',
  'x-user-id',
  'x-userinfo',
  'x-id-token',
  'x-access-token',
  'x-auth-user',
  'x-webauth-user',
  'x-client-cert',
  'client-cert',
  'client-cert-chain',
  'x-anonymous-consumer',
]

/**
 * Never forwarded: by these some framework or proxy serves another address, method or file than the one that was
 * judged. attack: rewriting-header
 */
const rewriting: readonly string[] = [
  'host',
  'x-host',
  'x-http-host-override',
  'x-backend-host',
  'x-original-url',
  'x-original-uri',
  'x-original-host',
  'x-original-method',
  'x-originating-url',
  'x-rewrite-url',
  'x-rewrite-uri',
  'x-override-url',
  'x-request-uri',
  'x-proxy-url',
  'x-url-scheme',
  'x-scheme',
  'front-end-https',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-matched-path',
  'x-now-route-matches',
  'x-sendfile-type',
  // A CGI origin reads it as the address of its own proxy (CVE-2016-5385).
  'proxy',
]

const dropped: ReadonlySet<string> = new Set([...hopByHop, ...identities, ...rewriting])

const droppedPrefixes: readonly string[] = [
  'sallyport-',
  'x-sallyport-',
  'x-forwarded-',
  'x-auth-request-',
  'x-authenticated-',
  'x-authentik-',
  'x-remote-user',
  'remote-',
  'x-consumer-',
  'x-credential-',
  'x-pomerium-',
  'x-vouch-',
  'x-envoy-',
  'x-amzn-oidc-',
  'x-goog-authenticated-user-',
  'x-goog-iap-',
  'x-ms-client-principal',
  'x-ms-token-',
  'tailscale-',
  'oidc-',
  'ssl-client-',
  'x-ssl-client-',
  // Cloudflare's own word about a client. What it says to origins it adds after us. attack: spoofed-platform-header
  'cf-',
  'cloudflare-workers-version-',
  // Frameworks that steer themselves by headers (CVE-2025-29927).
  'x-middleware-',
  'x-invoke-',
  'x-accel-',
]

/** The request's headers as an origin may see them, with nothing of ours added yet: a copy, for we always add something. */
export function scrubHeaders(incoming: Headers, site: Site): Headers {
  const headers = new Headers(incoming)
  for (const name of incoming.keys()) {
    if (name === 'connection') dropNominated(headers)
    if (name === 'cookie') scrubCookie(headers)
    else if (isDropped(name) || site.identityHeaders.has(name)) headers.delete(name)
  }
  return headers
}

function scrubCookie(headers: Headers): void {
  const cookie = headers.get('cookie')
  if (cookie === null) return
  const others = withoutOwnCookies(cookie)
  if (others === undefined) headers.delete('cookie')
  else if (others !== cookie) headers.set('cookie', others)
}

/** By their first letters: most names of a request share them with none. */
const prefixesByStart = Map.groupBy(droppedPrefixes, (prefix) => prefix.slice(0, 2))

/**
 * Whether a client sends what an origin would take for our word: for requests that somebody else forwards, and whose headers
 * we cannot scrub.
 */
export function claimsIdentity(incoming: Headers, site: Site): boolean {
  return [...incoming.keys()].map(foldName).some((name) => {
    const ours = /^(?:x-)?sallyport-/.test(name) && name !== 'sallyport-revocation-age'
    return ours || site.identityHeaders.has(name)
  })
}

function foldName(name: string): string {
  return plainName.test(name) ? name : name.replaceAll(/[^a-z0-9]/g, '-')
}

const plainName = /^[a-z0-9-]+$/

/** Names that were judged before; clients choose them, so there is an end to it. */
const judged = new Map<string, boolean>()
const mostJudged = 500
const longestJudged = 64

/** `name` in lower case, as `Headers` has it. */
function isDropped(name: string): boolean {
  const known = judged.get(name)
  if (known !== undefined) return known
  const verdict = judge(name)
  if (judged.size < mostJudged && name.length <= longestJudged) judged.set(name, verdict)
  return verdict
}

function judge(name: string): boolean {
  return (
    !plainName.test(name) ||
    dropped.has(name) ||
    prefixesByStart.get(name.slice(0, 2))?.some((prefix) => name.startsWith(prefix)) === true
  )
}

/**
 * Drops what a `Connection` nominates: hop-by-hop by its sender's word, so it is not passed on. Ours are added afterwards, and
 * no nomination reaches them. attack: connection-nomination
 */
export function dropNominated(headers: HeaderFields): void {
  for (const nominated of (headers.get('connection') ?? '').split(',')) {
    const name = nominated.trim()
    // `Headers` throw on what no header is called.
    if (token.test(name)) headers.delete(name)
  }
}

const token = /^[!#$%&'*+\-.^_`|~\w]+$/

/** Who asked, over what, for which host: written by us, from what the platform saw. */
export function addForwarded(
  headers: HeaderFields,
  request: Request,
  url: Pick<CanonicalUrl, 'protocol' | 'host'>,
): void {
  const address = request.headers.get('cf-connecting-ip')
  if (address !== null) headers.set('x-forwarded-for', address)
  headers.set('x-forwarded-proto', url.protocol.slice(0, -1))
  headers.set('x-forwarded-host', url.host)
}
