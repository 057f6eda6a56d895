import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { readReturnTo } from '../../../src/http/return-to.ts'
import { siteOf } from '../world/vars.ts'

const site = siteOf()
const origin = 'https://shop.example.com'
const refused = { ok: false, denial: { reason: 'return_to_foreign' } }

describe('where a login may lead', () => {
  it.each([
    '/',
    '/api/orders',
    '/a?b=c&d=//evil.example',
    '/a#top',
    '/a?next=https://evil.example',
  ])('accepts a path inside the site: %s', (path) => {
    expect(readReturnTo(path, '/home', site)).toEqual({ ok: true, value: path })
  })

  it('takes the fallback where nothing is asked for', () => {
    expect(readReturnTo(null, '/home', site)).toEqual({ ok: true, value: '/home' })
  })

  it('refuses whatever could lead out of the site', () => {
    expect(readReturnTo('/evil.example', '/', site).ok).toBe(true)
    const attacks = [
      '//evil.example',
      '///evil.example',
      '/\\evil.example',
      '\\/evil.example',
      '/..//evil.example',
      '/.//evil.example',
      '/a/../..//evil.example',
      '/%2e%2e//evil.example',
      '/%2f/evil.example',
      '/%5cevil.example',
      '/\t/evil.example',
      '/\n/evil.example',
      '/.\t/\\evil.example',
      'https://evil.example',
      'https:evil.example',
      'javascript:alert(1)',
      'evil.example',
      '',
      ' /a',
      `${origin}/a`,
      '@evil.example',
      '.evil.example',
      ':443@evil.example',
      '/\u00a0/evil.example',
      '/é',
    ]
    for (const path of attacks) expect(readReturnTo(path, '/', site), path).toEqual(refused)
  })

  it('refuses its own endpoints, which would begin or end something on return', () => {
    expect(readReturnTo('/authors', '/', site).ok).toBe(true)
    for (const path of ['/auth', '/auth/logout', '/auth/login?return_to=/auth/login', '/auth#x']) {
      expect(readReturnTo(path, '/', site), path).toEqual(refused)
    }
  })

  it('refuses what is too long for a link', () => {
    expect(readReturnTo(`/${'a'.repeat(2047)}`, '/', site).ok).toBe(true)
    expect(readReturnTo(`/${'a'.repeat(2048)}`, '/', site)).toEqual(refused)
  })

  it('accepts nothing that any base URL resolves to another origin', () => {
    const piece = fc.constantFrom(
      '/',
      '\\',
      '.',
      '..',
      '%2f',
      '%5c',
      '\t',
      '@',
      ':',
      ';',
      'evil',
      '?',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 10 }), (pieces) => {
        const read = readReturnTo(`/${pieces.join('')}`, '/', site)
        if (!read.ok) return
        const url = new URL(read.value, `${origin}/auth/callback`)
        expect(url.origin).toBe(origin)
        expect(url.pathname.startsWith('//')).toBe(false)
      }),
      { numRuns: 3000 },
    )
  })
})
