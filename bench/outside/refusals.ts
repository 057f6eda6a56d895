/**
 * Whoever refuses nothing would win every contest: before it is measured, a contender lets the honest pass and refuses the
 * others.
 */
import { makeSigner, type Signer, tokensOf } from '../issuer.ts'
import { withToken } from '../load.ts'
import type { OutsideContender } from './contender.ts'

type Headers = Readonly<Record<string, string>>

interface Case {
  readonly what: string
  readonly headers: Headers
}

/** Rejects where it answers otherwise than it should. */
export async function proveRefusals(
  { name, does }: OutsideContender,
  site: string,
  cookie: string,
  signer: Signer,
): Promise<void> {
  if (does === 'nothing') return
  const [honest, ...dishonest] = does === 'session' ? ofSessions(cookie) : await ofBearers(signer)
  const statusOf = async ({ headers }: Case) => {
    const response = await fetch(`${site}/${does}/x`, { headers, redirect: 'manual' })
    await response.arrayBuffer()
    return response.status
  }
  const status = await statusOf(honest)
  if (status !== 200) throw new Error(`${name} answers ${String(status)} to ${honest.what}`)
  for (const one of dishonest)
    if ((await statusOf(one)) === 200) throw new Error(`${name} lets ${one.what} pass`)
}

function ofSessions(cookie: string): readonly [Case, ...Case[]] {
  // In the middle: the last characters may be the padding of an encoding.
  const at = cookie.length >> 1
  const other = cookie[at] === 'A' ? 'B' : 'A'
  return [
    { what: 'somebody signed in', headers: { cookie } },
    { what: 'nobody', headers: {} },
    {
      what: 'an altered cookie',
      headers: { cookie: cookie.slice(0, at) + other + cookie.slice(at + 1) },
    },
  ]
}

async function ofBearers(signer: Signer): Promise<readonly [Case, ...Case[]]> {
  const stranger = await makeSigner(signer.algorithm, signer.issuer)
  const now = Math.floor(Date.now() / 1000)
  const over = { iat: now - 7200, exp: now - 3600 }
  return [
    { what: 'a good token', headers: await bearerOf(signer) },
    { what: 'nobody', headers: {} },
    { what: 'a token of another key', headers: await bearerOf(stranger) },
    {
      what: 'a token of another issuer',
      headers: await bearerOf({ ...signer, issuer: 'https://other.test' }),
    },
    { what: 'a token for another audience', headers: await bearerOf(signer, { aud: 'other' }) },
    { what: 'a token that is over', headers: await bearerOf(signer, over) },
  ]
}

async function bearerOf(
  signer: Signer,
  claims: Readonly<Record<string, unknown>> = {},
): Promise<Headers> {
  const [token = ''] = await tokensOf(signer, 1, { claims: () => claims })
  return withToken(token)
}
