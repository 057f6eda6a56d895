/** Issuers of bearer tokens, as an operator configures them, with the keys and answers that they give. */
import type { Issuer } from '../../../src/config/issuer.ts'
import { KeySet } from '../../../src/token/key-set.ts'
import { makeSigner, sign, type Signer } from './keys.ts'
import { makePorts, now, type Ports } from './ports.ts'
import { configOf } from './vars.ts'

type Table = Readonly<Record<string, unknown>>

export const asSigner = await makeSigner('ES256', 'as-1')
export const partnerSigner = await makeSigner('ES256', 'partner-1')

export const writtenIssuer: Table = {
  id: 'as',
  issuer: 'https://as.example',
  algorithms: ['ES256'],
}
export const writtenPartner: Table = {
  id: 'partner',
  issuer: 'https://partner.example',
  algorithms: ['ES256'],
  type: 'any',
}

const signers: Readonly<Record<string, Signer>> = {
  'https://as.example': asSigner,
  'https://partner.example': partnerSigner,
}

/** What a token of `as` says, after RFC 9068. */
export const tokenClaims = {
  iss: 'https://as.example',
  sub: 'ada',
  client_id: 'app',
  aud: 'api',
  exp: now + 300,
  iat: now,
  jti: 'token-1',
  scope: 'orders',
}

export function tokenOf(
  claims: Table = {},
  header: Table = {},
  signer: Signer = asSigner,
): Promise<string> {
  return sign(signer, { ...tokenClaims, ...claims }, { typ: 'at+jwt', ...header })
}

/** A site whose one route has this rule; its issuers are both of the above unless told otherwise. */
export function gate(
  access: Table | string = {},
  issuers: readonly Table[] = [writtenIssuer, writtenPartner],
  env: Table = {},
) {
  const rule =
    typeof access === 'string' ? access : { any: ['bearer', 'machine'], audience: 'api', ...access }
  const route = { path: '/*', access: rule, upstream: { url: 'https://api.internal.example' } }
  const config = configOf({ site: { routes: [route] }, env: { ISSUERS: issuers, ...env } })
  const site = config.sites[0]!
  return { config, site, route: site.routes.all[0]!, rule: site.routes.all[0]!.access }
}

/** The gateway's ports, where the issuers' keys can be had. */
export function portsWithKeys(): Ports & { readonly keysAsked: string[] } {
  const ports = Object.assign(makePorts(), { keysAsked: [] as string[] })
  return Object.assign(ports, {
    directory: {
      metadata: async ({ issuer }: Issuer) => ({
        issuer,
        introspection_endpoint: `${issuer}/introspect`,
      }),
      keys: async ({ issuer, distrustedKeys }: Issuer, kid: string | undefined) => {
        ports.keysAsked.push(`${issuer} ${kid ?? ''}`)
        const signer = signers[issuer]
        return KeySet.parse(
          { keys: signer === undefined ? [] : [signer.publicJwk] },
          distrustedKeys,
        )!
      },
      keysAtHand: () => undefined,
    },
  })
}
