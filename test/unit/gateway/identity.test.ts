import { describe, expect, it } from 'vitest'

import { Permit } from '../../../src/gateway/authorize.ts'
import { addIdentity } from '../../../src/gateway/identity.ts'
import { type Signer, signerWith } from '../../../src/keys/signer.ts'
import type { Identity } from '../../../src/session/session.ts'
import { makeSigner, partOf } from '../world/keys.ts'
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

async function signerNamed(kid: string): Promise<Signer> {
  return signerWith(kid, 'ES256', (await makeSigner('ES256', kid)).privateKey)
}

/** A signer that takes its time, as one elsewhere does, and counts. */
function countedSigner(signer: Signer) {
  const counted = {
    count: 0,
    signer: {
      ...signer,
      sign: async (data: Uint8Array<ArrayBuffer>) => {
        counted.count += 1
        await new Promise((resolve) => setTimeout(resolve, 30))
        return signer.sign(data)
      },
    },
  }
  return counted
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

  it('go with the key that signed them', async () => {
    const ports = makePorts()
    const first = await assertionOf(ports, ada)
    ports.signer = await signerNamed('k2')
    const second = await assertionOf(ports, ada)
    expect(partOf(first, 0)['kid']).toBe('k1')
    expect(partOf(second, 0)['kid']).toBe('k2')
    expect(await assertionOf(ports, ada)).toBe(second)
  })

  it('cost one signature, however many requests of an isolate need it at once', async () => {
    const ports = makePorts()
    const counted = countedSigner(ports.signer)
    ports.signer = counted.signer
    const together = (at: number) =>
      Promise.all(Array.from({ length: 20 }, () => assertionOf(ports, ada, { at })))
    expect(new Set(await together(now)).size).toBe(1)
    expect(counted.count).toBe(1)
    // When it is to be renewed one request signs; the others go on with what still holds.
    const renewed = await together(now + 95)
    expect(new Set(renewed).size).toBe(2)
    expect(counted.count).toBe(2)
    expect(new Set(await together(now + 96)).size).toBe(1)
    expect(counted.count).toBe(2)
  })

  it('do not depend on a request that was cancelled while it signed', async () => {
    const ports = makePorts()
    const honest = ports.signer
    ports.signer = { ...honest, sign: () => new Promise(() => {}) }
    void assertionOf(ports, ada)
    await new Promise((resolve) => setTimeout(resolve, 20))
    ports.signer = honest
    expect(partOf(await assertionOf(ports, ada), 1)['sub']).toBe('ada')
  })

  it('are signed by the next request where a signature fails', async () => {
    const ports = makePorts()
    const honest = ports.signer
    ports.signer = { ...honest, sign: () => Promise.reject(new Error('away')) }
    await expect(assertionOf(ports, ada)).rejects.toThrow('away')
    ports.signer = honest
    expect(partOf(await assertionOf(ports, ada), 1)['sub']).toBe('ada')
  })
})
