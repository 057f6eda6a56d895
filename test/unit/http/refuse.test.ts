import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

import { type Denial, deny } from '../../../src/denial.ts'
import { Fault, type FaultKind } from '../../../src/fault.ts'
import { refuse, refuseFault } from '../../../src/http/refuse.ts'

const source = (file: string) => readFileSync(`${import.meta.dirname}/../../../src/${file}`, 'utf8')
const reasons = [...source('denial.ts').matchAll(/reason: '(\w+)'/g)].map((match) => match[1]!)
const kinds = [...source('fault.ts').matchAll(/\| '(\w+)'/g)].map((match) => match[1]!)

/** A denial with each field that some arm carries. */
function denialOf(reason: string): Denial {
  const lists = { missing: ['s'], acrValues: ['a'] }
  const fields = {
    ...lists,
    flaw: 'f',
    allow: ['GET', 'HEAD'],
    parameter: 'p',
    why: 'w',
    check: 'c',
  }
  return { reason, ...fields, cookie: 'access', error: 'e', evidence: 'v' } as unknown as Denial
}

const place = { loginUrl: 'https://shop.example.com/auth/login?a="<b>' }
const asked = (accept: string) => new Request('https://shop.example.com/', { headers: { accept } })
const program = asked('application/json')
const person = asked('text/html')

describe('a denial', () => {
  it.each(reasons)('is told a program as a problem document: %s', async (reason) => {
    const answer = refuse(program, { denial: denialOf(reason) }, place)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    expect(answer.headers.get('sallyport-response')).toBe('true')
    const problem = (await answer.json()) as Record<string, unknown>
    expect(problem).toMatchObject({ status: answer.status, reason, type: 'about:blank' })
    expect(answer.status).toBeGreaterThanOrEqual(400)
    // A token is got elsewhere; who lacks a session signs in here.
    if (answer.status === 401 && !reason.startsWith('token_'))
      expect(problem).toHaveProperty('login_url', place.loginUrl)
  })

  it.each(reasons)('is told a person as a page: %s', async (reason) => {
    const answer = refuse(person, { denial: denialOf(reason) }, place)
    expect(answer.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(answer.headers.get('cache-control')).toBe('no-store')
    const body = await answer.text()
    expect(body).toContain(`<code>${reason}</code>`)
    expect(body).not.toContain('"<b>')
    expect(body.includes('Sign in</a>')).toBe(body.includes('<a href='))
  })

  it('carries the challenge that goes with it', () => {
    const denied = deny({ reason: 'token_missing' }, 'Bearer')
    expect(refuse(program, denied).headers.get('www-authenticate')).toBe('Bearer')
    expect(refuse(program, { denial: denied.denial }).headers.has('www-authenticate')).toBe(false)
  })

  it('names the scope that is missing, and no claim', async () => {
    const scope = { reason: 'scope_insufficient', missing: ['orders', 'pay'] } as const
    expect(await refuse(program, { denial: scope }).json()).toMatchObject({
      detail: 'Missing: orders pay.',
    })
    const claims = await refuse(program, { denial: { reason: 'claims_insufficient' } }).json()
    expect(claims).not.toHaveProperty('detail')
  })

  it('names the methods where the method was wrong', () => {
    const denial = { reason: 'method_not_allowed', allow: ['GET', 'HEAD'] } as const
    for (const request of [program, person]) {
      const answer = refuse(request, { denial })
      expect(answer.status).toBe(405)
      expect(answer.headers.get('allow')).toBe('GET, HEAD')
    }
  })

  it('says no more of a refused cookie or token than that it was refused', async () => {
    const texts = await Promise.all([
      refuse(program, { denial: { reason: 'id_token_refused', check: 'nonce' } }).text(),
      refuse(program, { denial: { reason: 'login_denied', error: 'consent_required' } }).text(),
      refuse(program, { denial: { reason: 'cross_site', evidence: 'origin' } }).text(),
      refuse(program, { denial: { reason: 'state_unreadable', why: 'forged' } }).text(),
    ])
    for (const text of texts) expect(text).not.toMatch(/nonce|consent|"origin"|forged|detail/)
  })

  it('escapes in the page what the caller said', async () => {
    const answer = refuse(person, {
      denial: { reason: 'parameter_malformed', parameter: '<script>' },
    })
    expect(await answer.text()).not.toContain('<script>')
  })
})

describe('a fault', () => {
  it.each(kinds)('is told without detail: %s', async (kind) => {
    const fault = new Fault(kind as FaultKind, 'inner detail', { cause: new Error('cause') })
    for (const request of [program, person]) {
      const answer = refuseFault(request, fault)
      expect(answer.status).toBeGreaterThanOrEqual(500)
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.has('retry-after')).toBe(answer.status === 503)
      const body = await answer.text()
      expect(body).toContain(kind)
      expect(body).not.toMatch(/inner detail|cause/)
    }
  })
})
