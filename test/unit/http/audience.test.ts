import { expect, it } from 'vitest'

import { audienceOf, mayReturn } from '../../../src/http/audience.ts'

const request = (headers: Record<string, string>, method = 'GET') =>
  new Request('https://shop.example.com/', { method, headers })
const audience = (headers: Record<string, string>) => audienceOf(request(headers))

it('believes fetch metadata before Accept', () => {
  const html = { accept: 'text/html' }
  expect(audience({ 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' })).toBe(
    'navigation',
  )
  expect(audience({ 'sec-fetch-mode': 'navigate' })).toBe('navigation')
  expect(audience({ ...html, 'sec-fetch-mode': 'cors' })).toBe('program')
  expect(audience({ ...html, 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' })).toBe(
    'program',
  )
})

it('reads Accept where there is no fetch metadata', () => {
  expect(audience({ accept: 'text/html,application/xhtml+xml' })).toBe('navigation')
  expect(audience({ accept: '*/*' })).toBe('program')
  expect(audience({})).toBe('program')
})

it('sends only what can be asked again to sign in and come back', () => {
  expect(mayReturn(request({}))).toBe(true)
  expect(mayReturn(request({}, 'HEAD'))).toBe(true)
  expect(mayReturn(request({}, 'POST'))).toBe(false)
  expect(mayReturn(request({ upgrade: 'websocket' }))).toBe(false)
})
