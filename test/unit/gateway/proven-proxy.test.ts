import { describe, expect, it } from 'vitest'

import { ProvenProxy } from '../../../src/gateway/proven-proxy.ts'
import { visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const secret = 'a secret of nginx: 32 characters!'.replaceAll(' ', '-')
const fingerprint = 'ab'.repeat(32)
const site = siteOf({
  site: {
    proxies: [
      { kind: 'nginx', secret: { secret: 'NGINX_SECRET' } },
      { kind: 'caddy', certificates: [fingerprint.toUpperCase().replaceAll(/(..)(?!$)/g, '$1:')] },
    ],
  },
  env: { NGINX_SECRET: secret },
})

const certificate = {
  certPresented: '1',
  certVerified: 'SUCCESS',
  certRevoked: '0',
  certFingerprintSHA256: fingerprint,
}

function recognise(headers: Record<string, string>, tls?: object): string | undefined {
  const asked = { ...visit('/auth/verify', { headers }), site }
  if (tls !== undefined) Object.assign(asked.request, { cf: { tlsClientAuth: tls } })
  return ProvenProxy.recognise(asked)?.kind
}

describe('a proxy', () => {
  it('is known by its secret', () => {
    expect(recognise({ 'sallyport-proxy-secret': secret })).toBe('nginx')
    for (const wrong of [
      '',
      'x',
      secret.slice(1),
      `${secret}x`,
      `${secret}, ${secret}`,
      'undefined',
    ])
      expect(recognise({ 'sallyport-proxy-secret': wrong }), wrong).toBeUndefined()
    expect(recognise({})).toBeUndefined()
    const twice = new Headers({ 'sallyport-proxy-secret': secret })
    twice.append('sallyport-proxy-secret', secret)
    expect(recognise(Object.fromEntries(twice))).toBeUndefined()
  })

  it('is known by its certificate, if it is verified and not revoked', () => {
    expect(recognise({}, certificate)).toBe('caddy')
    const wrong = [
      { certPresented: '0' },
      { certVerified: 'NONE' },
      { certVerified: 'FAILED:self signed certificate' },
      { certVerified: '' },
      { certRevoked: '1' },
      { certRevoked: '' },
      { certFingerprintSHA256: 'cd'.repeat(32) },
      { certFingerprintSHA256: '' },
    ]
    for (const change of wrong)
      expect(recognise({}, { ...certificate, ...change }), JSON.stringify(change)).toBeUndefined()
    expect(recognise({}, {})).toBeUndefined()
  })

  it('of a site with none is nobody', () => {
    const asked = visit('/auth/verify', { headers: { 'sallyport-proxy-secret': '' } })
    expect(ProvenProxy.recognise(asked)).toBeUndefined()
  })
})
