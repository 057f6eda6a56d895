import { describe, expect, it } from 'vitest'

import { checkForm, readBearer } from '../../../src/http/bearer.ts'

const at = 'https://shop.example.com/api'

function read(authorization: string | undefined, url = at): string | undefined {
  const headers: Record<string, string> = authorization === undefined ? {} : { authorization }
  const result = readBearer(new Request(url, { headers }), new URL(url))
  return result.ok ? result.value : result.denial.reason
}

describe('the token of a request', () => {
  it('stands in the Authorization header, whatever the case of its scheme', () => {
    expect(read('Bearer abc.DEF-1_2~3+4/5==')).toBe('abc.DEF-1_2~3+4/5==')
    expect(read('bearer abc')).toBe('abc')
    expect(read('BEARER  abc')).toBe('abc')
    expect(read(undefined)).toBeUndefined()
  })

  it('is not what another scheme carries', () => {
    for (const other of ['Basic YTpi', 'DPoP abc', 'Bearerabc', 'Bear abc', ''])
      expect(read(other), other).toBeUndefined()
  })

  it('is refused where it is none', () => {
    for (const odd of ['Bearer', 'Bearer ', 'Bearer a b', 'Bearer a=b', 'Bearer "a"', 'Bearer ä'])
      expect(read(odd), odd).toBe('token_malformed')
  })

  it('is refused where there are two', () => {
    for (const two of ['Bearer a, Bearer b', 'Bearer a,b', 'Basic YTpi, Bearer a'])
      expect(read(two), two).toBe('credentials_several')
  })

  it('is refused in the address', () => {
    expect(read('Bearer abc', `${at}?q=1`)).toBe('abc')
    expect(read(undefined, `${at}?access_token=abc`)).toBe('token_in_query')
    expect(read('Bearer abc', `${at}?q=1&access_token=`)).toBe('token_in_query')
    expect(read(undefined, `${at}?access%5Ftoken=abc`)).toBe('token_in_query')
  })

  it('is refused where its header is longer than any token', () => {
    expect(read(`Bearer ${'a'.repeat(32_768)}`)).toHaveLength(32_768)
    expect(read(`Bearer ${'a'.repeat(33_000)}`)).toBe('headers_too_large')
  })
})

async function form(body: string, headers: Record<string, string> = {}): Promise<string> {
  const request = new Request(at, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
      ...headers,
    },
  })
  const result = await checkForm(request)
  // Whatever was found, the body is still there to be forwarded.
  expect(await request.text()).toBe(body)
  return result.ok ? 'passed' : result.denial.reason
}

describe('a form', () => {
  it('is refused where it carries a token', async () => {
    expect(await form('a=1&b=2')).toBe('passed')
    expect(await form('a=1&access_token=x')).toBe('token_in_body')
    expect(await form('access%5Ftoken=x')).toBe('token_in_body')
    const type = { 'content-type': 'Application/X-WWW-Form-Urlencoded; charset=utf-8' }
    expect(await form('access_token=x', type)).toBe('token_in_body')
  })

  it('is streamed unread where it is large, or something else', async () => {
    expect(await form(`access_token=${'x'.repeat(16_384)}`)).toBe('passed')
    expect(await form('access_token=x', { 'content-type': 'text/plain' })).toBe('passed')
    const endless = new Request(at, {
      method: 'POST',
      body: 'access_token=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    })
    expect(await checkForm(endless)).toEqual({ ok: true, value: true })
    expect(await checkForm(new Request(at))).toEqual({ ok: true, value: true })
  })
})
