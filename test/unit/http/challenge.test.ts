import { describe, expect, it } from 'vitest'

import type { Denial } from '../../../src/denial.ts'
import { challengeFor } from '../../../src/http/challenge.ts'

const metadata = 'https://shop.example.com/.well-known/oauth-protected-resource/api'
const where = `resource_metadata="${metadata}"`
const challenge = (denial: Denial) => challengeFor(denial, metadata)

describe('a challenge', () => {
  it('says nothing but where to look to who sent nothing', () => {
    expect(challenge({ reason: 'token_missing' })).toBe(`Bearer ${where}`)
    expect(challenge({ reason: 'session_missing' })).toBe(`Bearer ${where}`)
    expect(challenge({ reason: 'session_expired' })).toBe(`Bearer ${where}`)
  })

  it('names the error of RFC 6750, and never which check failed', () => {
    for (const reason of [
      'token_malformed',
      'token_in_query',
      'token_in_body',
      'credentials_several',
    ] as const)
      expect(challenge({ reason })).toBe(`Bearer error="invalid_request", ${where}`)
    for (const check of ['expired', 'signature', 'issuer_unknown'] as const)
      expect(challenge({ reason: 'token_refused', check })).toBe(
        `Bearer error="invalid_token", ${where}`,
      )
  })

  it('names the scope that is missing, and no claim or client', () => {
    expect(challenge({ reason: 'scope_insufficient', missing: ['orders', 'pay'] })).toBe(
      `Bearer error="insufficient_scope", scope="orders pay", ${where}`,
    )
    for (const reason of ['caller_kind_refused', 'claims_insufficient', 'client_refused'] as const)
      expect(challenge({ reason })).toBe(`Bearer error="insufficient_scope", ${where}`)
  })

  it('asks for a stronger or fresher sign-in in the words of RFC 9470', () => {
    const insufficient = 'Bearer error="insufficient_user_authentication"'
    const reason = 'authentication_insufficient'
    expect(challenge({ reason, acrValues: ['gold', 'silver'], maxAge: 60 })).toBe(
      `${insufficient}, acr_values="gold silver", max_age="60", ${where}`,
    )
    expect(challenge({ reason, acrValues: [], maxAge: 60 })).toBe(
      `${insufficient}, max_age="60", ${where}`,
    )
    expect(challenge({ reason, acrValues: ['gold'], maxAge: undefined })).toBe(
      `${insufficient}, acr_values="gold", ${where}`,
    )
  })

  it('is not for what no token mends', () => {
    for (const denial of [
      { reason: 'cross_site', evidence: 'none' },
      { reason: 'route_unknown' },
      { reason: 'headers_too_large' },
    ] as const)
      expect(challenge(denial)).toBeUndefined()
  })

  it('keeps what would end a quoted text out of it', () => {
    const scopes = ['a"b', 'c\\d', 'e\r\nf']
    expect(challenge({ reason: 'scope_insufficient', missing: scopes })).toBe(
      `Bearer error="insufficient_scope", scope="ab cd ef", ${where}`,
    )
  })
})
