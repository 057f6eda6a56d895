/**
 * Where a request comes from, as far as limits are concerned.
 */

/**
 * The address that the platform saw: an IPv4 address, or the /64 that an IPv6 address lies in. Whoever has one
 * address of a /64 has all of them. attack: limit-by-many-addresses
 *
 * `X-Forwarded-For` is the client's own word and is not read. attack: limit-by-forged-address
 */
export function addressOf(request: Request): string {
  const address = request.headers.get('cf-connecting-ip') ?? ''
  if (isIPv4(address)) return address
  // Who cannot be told apart is counted together.
  return networkOf(address) ?? 'unknown'
}

/** Dotted, each number in its one spelling. */
export function isIPv4(text: string): boolean {
  return /^[0-9.]+$/.test(text) && URL.parse(`http://${text}/`)?.hostname === text
}

/** The /64 of an IPv6 address, or the IPv4 address that it stands for (RFC 4291 section 2.5.5.2). */
function networkOf(address: string): string | undefined {
  // The URL parser knows every spelling of an address and writes one.
  const host = /^[0-9A-Fa-f:.]+$/.test(address) ? URL.parse(`http://[${address}]/`)?.hostname : null
  if (typeof host !== 'string') return undefined
  const [head = '', tail] = host.slice(1, -1).split('::')
  const before = groupsOf(head)
  const after = groupsOf(tail ?? '')
  const groups = [
    ...before,
    ...Array.from({ length: 8 - before.length - after.length }, () => '0'),
    ...after,
  ]
  if (groups.slice(0, 6).join(':') === '0:0:0:0:0:ffff')
    return groups.slice(6).flatMap(bytesOf).join('.')
  return `${groups.slice(0, 4).join(':')}::/64`
}

function groupsOf(text: string): readonly string[] {
  return text === '' ? [] : text.split(':')
}

function bytesOf(group: string): readonly number[] {
  const value = Number.parseInt(group, 16)
  return [value >> 8, value & 0xff]
}
