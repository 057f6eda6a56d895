/** The assertions that an origin is shown: honest ones, and those of whoever would like to be somebody else. */
import { CompactSign, exportSPKI, importJWK, SignJWT } from 'jose'

import { decodeBase64url, encodeBase64url } from '../../../src/base64url.ts'
import { type LocalSite, makeKey } from './site.ts'

export interface Case {
  readonly name: string
  readonly accepted: boolean
  readonly headers: (site: LocalSite) => Promise<Record<string, string>>
}

export const cases: readonly Case[] = [
  honest('honest, in Authorization', async (site) => bearer(await site.assertion())),
  honest('honest, in Sallyport-Assertion', async (site) => ({
    'sallyport-assertion': await site.assertion(),
  })),
  bad('none at all', async () => ({})),
  bad('not a token', async () => bearer('x')),
  bad('for another audience', async (site) =>
    bearer(await site.assertion({ audience: 'invoices' })),
  ),
  bad('for two audiences', (site) => forged(site, { aud: ['invoices', 'orders'] })),
  bad('of another site', async (site) =>
    bearer(await site.assertion({ issuer: 'https://evil.example' })),
  ),
  bad('typ JWT', (site) => forged(site, {}, { typ: 'JWT' })),
  bad('typ at+jwt', (site) => forged(site, {}, { typ: 'at+jwt' })),
  bad('no typ', (site) => forged(site, {}, { typ: undefined })),
  bad('expired', async (site) => bearer(await site.assertion({}, site.key, seconds() - 3600))),
  bad('from the future', async (site) =>
    bearer(await site.assertion({}, site.key, seconds() + 3600)),
  ),
  bad('without exp', (site) => forged(site, { exp: undefined })),
  bad('without sub', (site) => forged(site, { sub: undefined })),
  bad('alg none', async (site) => {
    const [, payload = ''] = (await site.assertion()).split('.')
    return bearer(
      `${encoded({ alg: 'none', kid: site.key.kid, typ: 'sallyport+jwt' })}.${payload}.`,
    )
  }),
  bad('HS256 under the public key (JWK)', (site) => hmac(site, JSON.stringify(site.key.publicJwk))),
  bad('HS256 under the public key (PEM)', async (site) => hmac(site, await pemOf(site))),
  bad('unknown kid', async (site) => bearer(await site.assertion({}, await makeKey('made-up')))),
  bad('known kid, another key', async (site) =>
    bearer(await site.assertion({}, await makeKey('k1'))),
  ),
  bad('tampered', async (site) => {
    const [header = '', , signature = ''] = (await site.assertion()).split('.')
    const [, payload = ''] = (await site.assertion({ subject: 'eve' })).split('.')
    return bearer(`${header}.${payload}.${signature}`)
  }),
  honest('honest, after all that', async (site) => bearer(await site.assertion())),
]

function honest(name: string, headers: Case['headers']): Case {
  return { name, accepted: true, headers }
}

function bad(name: string, headers: Case['headers']): Case {
  return { name, accepted: false, headers }
}

export function bearer(assertion: string): Record<string, string> {
  return { authorization: `Bearer ${assertion}` }
}

/** By the site's own key, with anything changed. */
async function forged(
  site: LocalSite,
  claims: Readonly<Record<string, unknown>>,
  header: Readonly<Record<string, unknown>> = {},
): Promise<Record<string, string>> {
  const payload = { ...claimsOf(await site.assertion()), ...claims }
  const { alg, kid, privateKey } = site.key
  return bearer(
    await new CompactSign(new TextEncoder().encode(JSON.stringify(payload)))
      .setProtectedHeader({ alg, kid, typ: 'sallyport+jwt', ...header })
      .sign(privateKey),
  )
}

async function pemOf({ key: { publicJwk } }: LocalSite): Promise<string> {
  const key = await importJWK(publicJwk, 'ES256', { extractable: true })
  return exportSPKI(key as CryptoKey)
}

async function hmac(site: LocalSite, secret: string): Promise<Record<string, string>> {
  const k = encodeBase64url(new TextEncoder().encode(secret))
  return bearer(
    await new SignJWT(claimsOf(await site.assertion()))
      .setProtectedHeader({ alg: 'HS256', kid: site.key.kid, typ: 'sallyport+jwt' })
      .sign(await importJWK({ kty: 'oct', k }, 'HS256')),
  )
}

function claimsOf(assertion: string): Record<string, unknown> {
  const payload = decodeBase64url(assertion.split('.')[1] ?? '')
  return JSON.parse(new TextDecoder().decode(payload)) as Record<string, unknown>
}

function encoded(value: unknown): string {
  return encodeBase64url(new TextEncoder().encode(JSON.stringify(value)))
}

function seconds(): number {
  return Math.floor(Date.now() / 1000)
}
