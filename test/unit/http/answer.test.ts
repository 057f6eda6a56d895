import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'

import {
  escapeHtml,
  ownHeaders,
  page,
  pageHeaders,
  seeOther,
  styleHash,
} from '../../../src/http/answer.ts'

it('allows by its policy the style of its page and nothing else', () => {
  const [, style = ''] = /<style>(.*)<\/style>/s.exec(page('Title', 'body')) ?? []
  expect(createHash('sha256').update(style).digest('base64')).toBe(styleHash)
  const policy = pageHeaders().get('content-security-policy')!
  expect(policy).toContain("default-src 'none'")
  expect(policy).toContain(`style-src 'sha256-${styleHash}'`)
  expect(policy).toContain("frame-ancestors 'none'")
  expect(policy).not.toContain('script-src')
  expect(pageHeaders('abc').get('content-security-policy')).toContain("script-src 'nonce-abc'")
})

it('never lets an answer of its own be stored', () => {
  expect(ownHeaders().get('cache-control')).toBe('no-store')
  expect(pageHeaders().get('cache-control')).toBe('no-store')
  expect(seeOther('/x', ['a=1', 'b=2']).headers.get('cache-control')).toBe('no-store')
})

it('redirects by See Other, with each cookie in a line of its own', () => {
  const answer = seeOther('https://shop.example.com/', ['a=1', 'b=2'])
  expect(answer.status).toBe(303)
  expect(answer.headers.get('location')).toBe('https://shop.example.com/')
  expect(answer.headers.getSetCookie()).toEqual(['a=1', 'b=2'])
})

it('escapes what could be markup', () => {
  expect(escapeHtml(`<b a="1" c='2'>&`)).toBe('&#60;b a=&#34;1&#34; c=&#39;2&#39;&#62;&#38;')
  expect(page('<script>', '')).not.toContain('<script>')
})
