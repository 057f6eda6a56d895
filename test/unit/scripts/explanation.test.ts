import { describe, expect, it } from 'vitest'

import { type Asked, explain } from '../../../scripts/explanation.ts'
import { asSigner, tokenOf, writtenIssuer, writtenPartner } from '../world/issuers.ts'
import { now } from '../world/ports.ts'
import { configOf } from '../world/vars.ts'

const upstream = { url: 'https://api.internal.example' }
const config = configOf({
  site: {
    routes: [
      { path: '/*', access: 'public', upstream },
      { path: '/news', access: { any: ['anonymous', 'session'] }, upstream },
      {
        path: '/api/orders/*',
        methods: ['GET', 'POST'],
        access: {
          any: ['session', 'bearer'],
          issuers: ['as'],
          audience: 'api',
          scopes: ['orders'],
          claims: [{ path: ['realm', 'roles'], contains: 'buyer' }],
          claims_none: [{ name: 'blocked', equals: true }],
          max_age: '1h',
        },
        upstream,
        forward: { assertion: { audience: 'orders' } },
        cors: { origins: ['https://partner.example'], credentials: true },
        isolation: 'same_origin',
      },
    ],
  },
  env: {
    ISSUERS: [
      { ...writtenIssuer, keys: [asSigner.publicJwk] },
      { ...writtenPartner, jwks_uri: 'https://partner.invalid/keys' },
    ],
  },
})

async function told(
  url: string,
  more: Partial<Asked> = {},
): Promise<{ passes: boolean; text: string }> {
  const asked: Asked = { method: 'GET', url, token: undefined, supposed: undefined, ...more }
  const { passes, lines } = await explain(config, asked, now)
  return { passes, text: lines.join('\n').replaceAll(/ {2,}/g, ' ') }
}

const orders = 'https://shop.example.com/api/orders/7'
const good = { realm: { roles: ['buyer'] }, auth_time: now - 60 }

describe('an explanation', () => {
  it('says which route matches and what its rule asks for', async () => {
    const { passes, text } = await told(orders)
    expect(passes).toBe(true)
    for (const line of [
      'site shop',
      'route /api/orders/*, GET, POST',
      'asks is session or bearer',
      'asks scope orders',
      'asks claim realm → roles contains "buyer"',
      'asks no claim blocked equals true',
      'asks signed in within 3600 s',
      'issuers as (https://as.example)',
      'audience api',
      'metadata https://shop.example.com/.well-known/oauth-protected-resource/api/orders',
      'upstream https://api.internal.example/',
      'forward an assertion for orders',
      'pages of https://partner.example may read answers to GET, POST, with cookies',
      'pages of other origins may only lead a person there',
    ])
      expect(text.split('\n')).toContain(line)
  })

  it('says why no route is met', async () => {
    expect(await told('https://other.example.com/')).toMatchObject({
      passes: false,
      text: expect.stringContaining('site_unknown') as string,
    })
    expect((await told('https://shop.example.com/a%2Fb')).text).toContain('url_ambiguous')
    expect((await told('http://shop.example.com/')).text).toContain('scheme_insecure')
    expect((await told(orders, { method: 'PUT' })).text).toContain('takes GET, POST')
    expect((await told('https://shop.example.com/auth/session')).text).toContain("Sallyport's own")
  })

  it('lets the gateway decide on a token, and says which part is not met', async () => {
    const passing = await told(orders, { token: await tokenOf(good) })
    expect(passing.text).toContain(
      'token bearer ada of https://as.example, client app, ends in 300 s',
    )
    expect(passing.text).toContain('passes as bearer')
    expect(passing.passes).toBe(true)

    const roleless = await told(orders, { token: await tokenOf({ auth_time: now - 60 }) })
    expect(roleless.passes).toBe(false)
    expect(roleless.text).toContain('yes scope orders')
    expect(roleless.text).toContain('no claim realm → roles contains "buyer"')
    expect(roleless.text).toContain('refused claims_insufficient')

    const expired = await told(orders, { token: await tokenOf({ ...good, exp: now - 60 }) })
    expect(expired.text).toContain('refused token_refused, check expired')
    const foreign = await told(orders, {
      token: await tokenOf({ ...good, iss: 'https://x.example' }),
    })
    expect(foreign.text).toContain('refused token_refused, check issuer_unknown')
  })

  it('judges a caller who is only supposed', async () => {
    const claims = { ...good, scope: 'openid orders' }
    const session = await told(orders, { supposed: { kind: 'session', claims } })
    expect(session).toMatchObject({ passes: true })
    expect(session.text).toContain('passes as session')
    const machine = await told(orders, { supposed: { kind: 'machine', claims } })
    expect(machine).toMatchObject({ passes: false })
    expect(machine.text).toContain('no is session or bearer')
    const blocked = await told(orders, {
      supposed: { kind: 'bearer', claims: { ...claims, blocked: true } },
    })
    expect(blocked.text).toContain('no no claim blocked equals true')
  })

  it('lets everybody pass where everybody may', async () => {
    const bearer = { kind: 'bearer', claims: {} } as const
    expect((await told('https://shop.example.com/x', { supposed: bearer })).passes).toBe(true)
    expect((await told('https://shop.example.com/x', { token: 'anything' })).passes).toBe(true)
  })
})
