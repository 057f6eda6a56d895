/**
 * The header firewall towards origins: what a client says about itself never arrives as if we had said it.
 *
 * Names are compared folded (lower case, whatever is no letter or digit as `-`): origins that speak CGI cannot
 * tell `X_User` or `X.User` from `X-User`. attack: identity-header-spoofing
 */
import type { Site } from '../config/config.ts'
import { withoutOwnCookies } from './cookie.ts'

/** Never forwarded, by folded name: hop-by-hop (RFC 9110 section 7.6.1), credentials, and what others trust. */
const dropped: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'authorization',
  'forwarded',
  'via',
  'x-csrf',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'x-original-url',
  'x-original-uri',
  'x-original-method',
  'x-rewrite-url',
  'x-http-method-override',
  'x-method-override',
  'remote-user',
  'x-remote-user',
  'x-user',
  'x-user-id',
  'x-auth-user',
  'x-authenticated-user',
  'x-webauth-user',
  'ssl-client-verify',
  'ssl-client-cert',
  'x-ssl-client-verify',
  'x-ssl-client-cert',
])

const droppedPrefixes: readonly string[] = [
  'sallyport-',
  'x-sallyport-',
  'x-forwarded-',
  'x-auth-request-',
  'x-authenticated-',
  'x-remote-user-',
  'cf-access-',
  'cloudflare-workers-version-',
]

/** The request's headers as an origin may see them, with nothing of ours added yet. */
export function scrubHeaders(incoming: Headers, site: Site): Headers {
  const nominated = nominatedHeaders(incoming.get('connection'))
  const headers = new Headers()
  for (const [name, value] of incoming) {
    const folded = foldName(name)
    if (isDropped(folded) || nominated?.has(name) === true || site.identityHeaders.has(folded))
      continue
    if (folded === 'cookie') {
      const others = name === 'cookie' ? withoutOwnCookies(value, site.cookies) : undefined
      if (others !== undefined) headers.set('cookie', others)
      continue
    }
    headers.append(name, value)
  }
  return headers
}

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

const plainName = /^[a-z0-9-]*$/

function isDropped(folded: string): boolean {
  return dropped.has(folded) || droppedPrefixes.some((prefix) => folded.startsWith(prefix))
}

/**
 * Header names that the client's `Connection` nominates. They are hop-by-hop by the client's word, so they
 * are not forwarded; ours are added afterwards and no nomination reaches them. attack: connection-nomination
 */
function nominatedHeaders(connection: string | null): ReadonlySet<string> | undefined {
  if (connection === null) return undefined
  return new Set(connection.split(',').map((name) => name.trim().toLowerCase()))
}

/** Who asked, over what, for which host: written by us, from what the platform saw. */
export function addForwarded(headers: Headers, request: Request, url: URL): void {
  const address = request.headers.get('cf-connecting-ip')
  if (address !== null) headers.set('x-forwarded-for', address)
  headers.set('x-forwarded-proto', url.protocol.slice(0, -1))
  headers.set('x-forwarded-host', url.host)
}
