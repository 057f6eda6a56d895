import {
  OperationProcessingError,
  ResponseBodyError,
  UnsupportedOperationError,
} from 'oauth4webapi'
import { describe, expect, it } from 'vitest'

import { Fault } from '../../../src/fault.ts'
import {
  idTokenDenied,
  isGrantRefused,
  loginDenied,
  providerFault,
  registeredError,
} from '../../../src/oidc/failure.ts'

const body = (error: string) =>
  new ResponseBodyError('their text', {
    cause: { error, error_description: 'their text' },
    response: new Response(null, { status: 400 }),
  })
const processing = (code: string, cause?: unknown) =>
  new OperationProcessingError('their text', { code, cause })

describe('what a provider does wrong', () => {
  it('is a fault of a kind, without a word of the provider’s', () => {
    const cases: [unknown, string][] = [
      [body('invalid_client'), 'provider_misconfigured'],
      [body('unauthorized_client'), 'provider_misconfigured'],
      [body('server_error'), 'provider_failed'],
      [body('their text'), 'provider_failed'],
      [processing('OAUTH_INVALID_RESPONSE'), 'provider_malformed'],
      [
        processing('OAUTH_RESPONSE_IS_NOT_CONFORM', new Response(null, { status: 502 })),
        'provider_failed',
      ],
      [
        processing('OAUTH_RESPONSE_IS_NOT_CONFORM', new Response(null, { status: 404 })),
        'provider_malformed',
      ],
      [processing('OAUTH_MISSING_SERVER_METADATA'), 'provider_misconfigured'],
      [new UnsupportedOperationError('their text'), 'provider_malformed'],
      [new TypeError('their text'), 'internal'],
    ]
    for (const [error, kind] of cases) {
      const fault = providerFault(error, 'step')
      expect(fault.kind).toBe(kind)
      expect(fault.message).not.toContain('their text')
    }
  })

  it('stays the fault that it was', () => {
    const fault = new Fault('provider_slow', 'no answer')
    expect(providerFault(fault, 'step')).toBe(fault)
  })

  it('is told in registered words', () => {
    expect(registeredError('access_denied')).toBe('access_denied')
    expect(registeredError('<script>')).toBe('other')
    expect(registeredError('__proto__')).toBe('other')
  })
})

describe('what is a denial instead', () => {
  it('is a refused grant, and only that', () => {
    expect(isGrantRefused(body('invalid_grant'))).toBe(true)
    expect(isGrantRefused(body('invalid_request'))).toBe(false)
    expect(isGrantRefused(new Error('invalid_grant'))).toBe(false)
  })

  it('is an ID token that failed a check, by the name of the claim', () => {
    const denied = (error: unknown) => idTokenDenied(error)?.denial
    const refused = (check: string) => ({ reason: 'id_token_refused', check })
    expect(denied(processing('OAUTH_JWT_CLAIM_COMPARISON_FAILED', { claim: 'nonce' }))).toEqual(
      refused('nonce'),
    )
    expect(denied(processing('OAUTH_JWT_CLAIM_COMPARISON_FAILED', { claim: 'x<y' }))).toEqual(
      refused('claims'),
    )
    expect(denied(processing('OAUTH_JWT_TIMESTAMP_CHECK_FAILED', { claim: 'exp' }))).toEqual(
      refused('exp'),
    )
    expect(denied(processing('OAUTH_INVALID_RESPONSE', { header: {} }))).toEqual(refused('header'))
    expect(denied(processing('OAUTH_INVALID_RESPONSE', { claims: {} }))).toEqual(refused('claims'))
    expect(denied(processing('OAUTH_INVALID_RESPONSE', { body: { access_token: 'x' } }))).toEqual({
      reason: 'id_token_missing',
    })
    expect(denied(processing('OAUTH_INVALID_RESPONSE'))).toBeUndefined()
    expect(denied(new Error('other'))).toBeUndefined()
  })

  it('is no other error of the authorization endpoint', () => {
    expect(loginDenied(new Error('access_denied'))).toBeUndefined()
  })
})
