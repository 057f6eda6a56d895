import { describe, expect, it } from 'vitest'

import { readOriginal } from '../../../src/http/original-request.ts'

type Said = Readonly<Record<string, string>>

const byNginx: Said = {
  'x-original-url': 'https://shop.example.com/api/orders?page=2',
  'x-original-method': 'POST',
}
const byTraefik: Said = {
  'x-forwarded-method': 'POST',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'shop.example.com',
  'x-forwarded-uri': '/api/orders?page=2',
}

/** Method and address, or what is wrong. */
function read(kind: 'nginx' | 'traefik' | 'caddy', said: Said | Headers): string {
  const original = readOriginal(kind, new Headers(said))
  if (original.ok) return `${original.value.method} ${original.value.url.href}`
  const { denial } = original
  return 'flaw' in denial ? `${denial.reason} ${denial.flaw}` : denial.reason
}

describe('the original request', () => {
  it('is told by each kind of proxy in its own headers', () => {
    const expected = 'POST https://shop.example.com/api/orders?page=2'
    expect(read('nginx', byNginx)).toBe(expected)
    expect(read('traefik', byTraefik)).toBe(expected)
    expect(read('caddy', byTraefik)).toBe(expected)
    // Both families, of one mind.
    expect(read('nginx', { ...byTraefik, ...byNginx })).toBe(expected)
    expect(read('caddy', { ...byNginx, ...byTraefik })).toBe(expected)
  })

  it('is not taken from the other family of headers', () => {
    expect(read('nginx', byTraefik)).toBe('original_refused missing')
    expect(read('traefik', byNginx)).toBe('original_refused missing')
  })

  it.each([...Object.keys(byNginx)])('is refused without %s', (name) => {
    const { [name]: _, ...others } = byNginx
    expect(read('nginx', others)).toBe('original_refused missing')
  })

  it.each([...Object.keys(byTraefik)])('is refused without %s', (name) => {
    const { [name]: _, ...others } = byTraefik
    expect(read('caddy', others)).toBe('original_refused missing')
  })

  it('is refused where anything about it stands twice', () => {
    expect(read('nginx', byNginx)).not.toContain('refused')
    for (const [kind, said] of [
      ['nginx', byNginx],
      ['caddy', byTraefik],
    ] as const)
      for (const [name, value] of Object.entries({ ...byTraefik, ...byNginx })) {
        const headers = new Headers({ ...byTraefik, ...byNginx, ...said })
        headers.append(name, value)
        expect(read(kind, headers), `${kind} ${name}`).toBe('original_refused several')
      }
  })

  it('is refused where the two families differ', () => {
    const other: Said = {
      'x-original-url': 'https://shop.example.com/public',
      'x-original-uri': '/public',
      'x-original-method': 'GET',
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'http',
      'x-forwarded-host': 'admin.example.com',
      'x-forwarded-uri': '/public',
    }
    for (const [name, value] of Object.entries(other)) {
      if (!(name in byNginx))
        expect(read('nginx', { ...byNginx, [name]: value }), name).toBe('original_refused families')
      if (!(name in byTraefik))
        expect(read('traefik', { ...byTraefik, [name]: value }), name).toBe(
          'original_refused families',
        )
    }
    expect(read('nginx', { ...byNginx, 'x-forwarded-uri': '/api/orders' })).toBe(
      'original_refused families',
    )
  })

  it.each([
    ['/api/orders', 'malformed'],
    ['//shop.example.com/api', 'malformed'],
    ['ftp://shop.example.com/', 'malformed'],
    ['https://shop.example.com', 'malformed'],
    ['https://user@shop.example.com/', 'malformed'],
    ['https://shop.example.com?/api', 'malformed'],
    ['https://shop.example.com\\/api', 'malformed'],
    ['https:///api', 'malformed'],
  ])('is an absolute address, and not %s', (url, flaw) => {
    expect(read('nginx', { ...byNginx, 'x-original-url': url })).toBe(`original_refused ${flaw}`)
  })

  it.each([
    ['x-forwarded-host', 'shop.example.com/public?'],
    ['x-forwarded-host', 'a@shop.example.com'],
    ['x-forwarded-host', 'shop.example.com,evil.example'],
    ['x-forwarded-host', ''],
    ['x-forwarded-proto', 'https://shop.example.com/public?'],
    ['x-forwarded-proto', 'wss'],
    ['x-forwarded-proto', 'https,http'],
    ['x-forwarded-uri', 'api/orders'],
    ['x-forwarded-uri', '.evil.example/api'],
    ['x-forwarded-uri', ':1/api'],
    ['x-forwarded-uri', ''],
  ])('is not moved by a strange %s: %s', (name, value) => {
    expect(read('traefik', { ...byTraefik, [name]: value })).toBe('original_refused malformed')
  })

  it.each(['get', 'CONNECT', 'TRACE', 'G\u00c4T', 'GET,POST', ''])('has no method %j', (method) => {
    expect(read('nginx', { ...byNginx, 'x-original-method': method })).toMatch(
      /^original_refused (?:method|several|missing)$/,
    )
  })

  it('is judged by the same grammar as every other address', () => {
    for (const path of ['//api', '/public/../api', '/%61pi', '/public%2fapi', '/api;x', '/a#b']) {
      const nginx = { ...byNginx, 'x-original-url': `https://shop.example.com${path}` }
      expect(read('nginx', nginx), path).toMatch(/^url_ambiguous/)
      expect(read('caddy', { ...byTraefik, 'x-forwarded-uri': path }), path).toMatch(
        /^url_ambiguous/,
      )
    }
  })
})
