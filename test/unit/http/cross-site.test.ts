import { expect, it } from 'vitest'

import { checkSameOrigin, needsSameOrigin } from '../../../src/http/cross-site.ts'

const origin = 'https://shop.example.com'
const check = (headers: Record<string, string>) => checkSameOrigin(new Headers(headers), origin)
const accepted = { ok: true, value: true }
const denied = (evidence: string) => ({ ok: false, denial: { reason: 'cross_site', evidence } })

it('asks for evidence where something may change', () => {
  const needs = (method: string, headers: Record<string, string> = {}) =>
    needsSameOrigin(new Request(origin, { method, headers }))
  for (const method of ['GET', 'HEAD', 'OPTIONS']) expect(needs(method)).toBe(false)
  for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'get2']) {
    expect(needs(method), method).toBe(true)
  }
  expect(needs('GET', { upgrade: 'websocket' })).toBe(true)
})

it('accepts each kind of evidence alone', () => {
  expect(check({ 'sec-fetch-site': 'same-origin' })).toEqual(accepted)
  expect(check({ origin })).toEqual(accepted)
  expect(check({ 'x-csrf': '1' })).toEqual(accepted)
})

it('refuses a request that another site sent', () => {
  expect(check({ 'sec-fetch-site': 'same-origin', origin })).toEqual(accepted)
  expect(check({ 'sec-fetch-site': 'cross-site' })).toEqual(denied('sec-fetch-site'))
  expect(check({ 'sec-fetch-site': 'same-site' })).toEqual(denied('sec-fetch-site'))
  expect(check({ 'sec-fetch-site': 'none' })).toEqual(denied('sec-fetch-site'))
  expect(check({ origin: 'https://evil.example' })).toEqual(denied('origin'))
  expect(check({})).toEqual(denied('none'))
})

it('takes no origin for its own that only resembles it', () => {
  const others = [
    'null',
    '',
    'http://shop.example.com',
    'https://shop.example.com:8443',
    'https://shop.example.com.evil.example',
    'https://evil-shop.example.com',
    'https://SHOP.example.com',
    'https://shop.example.com/',
  ]
  for (const other of others) expect(check({ origin: other }), other).toEqual(denied('origin'))
})

it('lets no good evidence outvote bad evidence', () => {
  const foreign = { origin: 'https://evil.example' }
  expect(check({ ...foreign, 'sec-fetch-site': 'same-origin' })).toEqual(denied('origin'))
  expect(check({ ...foreign, 'x-csrf': '1' })).toEqual(denied('origin'))
  expect(check({ 'sec-fetch-site': 'same-site', 'x-csrf': '1' })).toEqual(denied('sec-fetch-site'))
  expect(check({ 'sec-fetch-site': 'cross-site', origin })).toEqual(denied('sec-fetch-site'))
})

it('lets pages of a listed origin act with the X-CSRF header, and with nothing else', () => {
  const app = 'https://app.example.com'
  const trusted = new Set([app])
  const checked = (headers: Record<string, string>) =>
    checkSameOrigin(new Headers(headers), origin, trusted)
  for (const site of ['same-site', 'cross-site'])
    expect(checked({ origin: app, 'sec-fetch-site': site, 'x-csrf': '1' })).toEqual(accepted)
  expect(checked({ origin: app, 'x-csrf': '1' })).toEqual(accepted)
  // What the page itself could not have said keeps its weight
  expect(checked({ origin, 'sec-fetch-site': 'same-origin' })).toEqual(accepted)
  for (const site of ['same-origin', 'same-site', 'none', 'cross-site'])
    expect(checked({ origin: app, 'sec-fetch-site': site })).toEqual(denied('x-csrf'))
  const others = [
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'null',
    'https://APP.example.com',
  ]
  for (const other of others)
    expect(checked({ origin: other, 'x-csrf': '1' }), other).toEqual(denied('origin'))
  expect(checked({ 'sec-fetch-site': 'cross-site', 'x-csrf': '1' })).toEqual(
    denied('sec-fetch-site'),
  )
  expect(check({ origin: app, 'x-csrf': '1' })).toEqual(denied('origin'))
})
