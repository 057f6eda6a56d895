import { describe, expect, it } from 'vitest'

import { Permit } from '../../../src/gateway/authorize.ts'
import { addIdentity } from '../../../src/gateway/identity.ts'
import type { Identity } from '../../../src/session/session.ts'
import { partOf } from '../world/keys.ts'
import { accessCookie, ada, makePorts, now, type Ports, site, visit } from '../world/ports.ts'

const routes = site.routes.all

/** The assertion that a route's origin gets about somebody. */
async function assertionOf(
  ports: Ports,
  identity: Identity,
  { route = routes[0]!, at = now, on = site } = {},
): Promise<string> {
  const headers = { cookie: `${site.cookies.access}=${await accessCookie(identity, at + 300)}` }
  const permit = await Permit.ask(ports, { ...visit('/api/x', { headers }), now: at }, route)
  if (!permit.ok) throw new Error(permit.denial.reason)
  const forwarded = new Headers()
  await addIdentity(ports, on, permit.value, forwarded, at)
  return forwarded.get('authorization')?.slice(7) ?? forwarded.get('sallyport-assertion') ?? ''
}

describe('the assertions that are kept', () => {
  it('serve the same caller again, until shortly before they run out', async () => {
    const ports = makePorts()
    const first = await assertionOf(ports, ada)
    expect(await assertionOf(ports, ada, { at: now + 89 })).toBe(first)
    const later = await assertionOf(ports, ada, { at: now + 90 })
    expect(later).not.toBe(first)
    expect(partOf(later, 1)['exp']).toBe(now + 90 + 120)
  })

  it('never serve another site, session, person, audience or set of claims', async () => {
    const ports = makePorts()
    const first = await assertionOf(ports, ada)
    expect(await assertionOf(ports, ada)).toBe(first)
    const others = [
      await assertionOf(ports, { ...ada, sessionId: 'ses_BBBBBBBBBBBBBBBBBBBBBB' }),
      await assertionOf(ports, { ...ada, subject: 'eve' }),
      await assertionOf(ports, { ...ada, claims: { email: 'other@example.com' } }),
      await assertionOf(ports, ada, { route: routes[1]! }),
      await assertionOf(ports, ada, { on: { ...site, id: 'blog' } }),
    ]
    expect(new Set([first, ...others]).size).toBe(6)
    expect(partOf(others[1]!, 1)['sub']).toBe('eve')
    expect(partOf(others[3]!, 1)['aud']).toBe('shop-news')
    // What is not asserted does not matter
    expect(await assertionOf(ports, { ...ada, claims: { ...ada.claims, salary: 2 } })).toBe(first)
  })
})
