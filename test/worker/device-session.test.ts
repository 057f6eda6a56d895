import { decodeJwt } from 'jose'
import { describe, expect, it } from 'vitest'

import { Device } from './device.ts'
import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

async function signedIn(host = 'bound.test', alg?: string): Promise<Device> {
  const device = await Device.in(new Browser(host), alg)
  await device.signIn()
  return device
}

function bound(host = 'bound.test', alg?: string): Promise<Device> {
  return Device.bound(new Browser(host), alg)
}

/** Status or reason of a call with the cookies alone. */
async function call(browser: Browser): Promise<unknown> {
  const response = await browser.send('/api/me')
  return response.status === 200 ? 200 : (await problem(response)).reason
}

describe('a login', () => {
  it('offers to bind the session, where the site wants that', async () => {
    const { offer } = await signedIn()
    expect(offer).toMatch(
      /^\(ES256 RS256\);path="\/auth\/device-session\/registration";challenge="[\w-]{40,}"$/,
    )
    const elsewhere = await Device.in(new Browser('shop.test'))
    await elsewhere.signIn()
    expect(elsewhere.offer).toBe('')
    const registered = await elsewhere.browser.send('/auth/device-session/registration', {
      method: 'POST',
    })
    expect(registered.status).toBe(404)
  })
})

describe('a registration', () => {
  it.each(['ES256', 'RS256'])('binds the session to a key for %s', async (alg) => {
    const device = await bound('bound.test', alg)
    expect(device.instructions).toEqual({
      session_identifier: 'bound.test',
      refresh_url: expect.stringMatching(/^\/auth\/device-session\/ses_[\w-]{22}$/) as string,
      scope: { origin: 'https://bound.test', include_site: false, scope_specification: [] },
      credentials: [
        {
          type: 'cookie',
          name: '__Host-sallyport-access',
          attributes: 'Path=/; Secure; HttpOnly; SameSite=Lax',
        },
      ],
      allowed_refresh_initiators: ['*'],
    })
    expect(await call(device.browser)).toBe(200)
    const who = await (await device.browser.send('/auth/session')).json()
    expect(who).toMatchObject({ device_bound: true })
    expect(world.log.map(({ event }) => event)).toContain('session.bound')
  })

  it('is refused for what is no proof of the key for this login', async () => {
    const device = await signedIn()
    const other = await signedIn()
    const expected = async (proof: string, check: string) => {
      expect(await problem(await device.register(proof))).toEqual({
        status: 401,
        reason: 'device_proof_refused',
      })
      expect(world.log.findLast(({ event }) => event === 'request.denied')).toMatchObject({ check })
    }
    await expected(await device.registration({ header: { typ: 'JWT' } }), 'type')
    await expected(await device.registration({ header: { jwk: undefined } }), 'header')
    await expected(
      await device.registration({ header: { jwk: { kty: 'oct', k: 'AA' } } }),
      'header',
    )
    const [header = '', , signature = ''] = (await device.registration()).split('.')
    const [, payload = ''] = (await other.registration()).split('.')
    await expected(`${header}.${payload}.${signature}`, 'signature')
    await expected(await device.registration({ payload: { jti: undefined } }), 'claim_missing')
    await expected(await device.registration({ payload: { jti: 'guessed' } }), 'challenge')
    await expected('x'.repeat(5000), 'header')
    pass(301)
    await expected(await device.registration(), 'challenge')
    expect(
      (
        await problem(
          await device.browser.send('/auth/device-session/registration', { method: 'POST' }),
        )
      ).reason,
    ).toBe('device_proof_missing')
  })

  it('happens once: who comes second with a copy of the challenge binds nothing', async () => {
    const device = await signedIn()
    const thief = await Device.in(device.browser.copy())
    thief.offer = device.offer
    expect((await device.register()).status).toBe(200)
    expect(await problem(await thief.register())).toEqual({
      status: 401,
      reason: 'device_proof_refused',
    })
    expect(world.log.findLast(({ event }) => event === 'request.denied')).toMatchObject({
      check: 'bound',
    })
    expect((await device.renew(null)).status).toBe(403)
    expect((await device.renew()).status).toBe(200)
  })

  it('is offered to the login alone: cookies do not get a challenge', async () => {
    const device = await signedIn()
    device.browser.forgetAccess()
    const renewed = await device.browser.post('/auth/refresh')
    expect(renewed.status).toBe(204)
    expect(renewed.headers.has('secure-session-registration')).toBe(false)
  })
})

describe('a bound session', () => {
  it('is renewed by its device, without any cookie, and asks the provider when that is due', async () => {
    const device = await bound()
    const before = device.browser.cookies.get('__Host-sallyport-access')
    pass(301)
    device.browser.forgetAccess()
    expect((await device.renew()).status).toBe(200)
    expect(device.browser.cookies.get('__Host-sallyport-access')).not.toBe(before)
    expect(await call(device.browser)).toBe(200)
    expect(world.outside.main.count('/token', 'refresh_token')).toBe(1)
  })

  it('gives nothing for its cookies on another device once the access cookie has run out', async () => {
    const device = await bound()
    const thief = device.browser.copy()
    expect(await call(thief)).toBe(200)
    thief.forgetAccess()
    expect(await call(thief)).toBe('device_proof_missing')
    expect((await problem(await thief.post('/auth/refresh'))).reason).toBe('device_proof_missing')
    expect((await problem(await thief.send('/auth/session'))).reason).toBe('device_proof_missing')
    expect((await problem(await thief.send('/auth/sessions'))).reason).toBe('session_missing')
    expect((await thief.navigate('/api/me')).headers.get('location')).toContain('/auth/login?')
    // The access cookie ends by itself, whatever the thief's browser remembers
    pass(301)
    expect(await call(device.browser.copy())).toBe('device_proof_missing')
    // And nothing of it has ended the session of its owner
    expect((await device.renew()).status).toBe(200)
    expect(await call(device.browser)).toBe(200)
  })

  it('asks for a proof where there is none, or one of an old challenge', async () => {
    const device = await bound()
    const asked = await device.renew(null)
    expect(asked.status).toBe(403)
    expect(asked.headers.getSetCookie()).toEqual([])
    const proof = await device.proof()
    expect((await device.renew(proof)).status).toBe(200)
    expect((await device.renew()).status).toBe(200)
    pass(361)
    expect((await device.renew()).status).toBe(403)
    expect((await device.renew()).status).toBe(200)
  })

  it('takes a proof once', async () => {
    const device = await bound()
    const proof = await device.proof()
    expect((await device.renew(proof)).status).toBe(200)
    const again = await device.renew(proof)
    expect(again.status).toBe(403)
    expect(again.headers.getSetCookie()).toEqual([])
    expect((await device.renew()).status).toBe(200)
  })

  it('takes no proof of another key, for another session, or made for something else', async () => {
    const device = await bound()
    const other = await bound()
    const refused = async (proof: string) => {
      const { status, reason } = await problem(await device.renew(proof))
      return [
        status,
        reason,
        world.log.findLast(({ event }) => event === 'request.denied')?.['check'],
      ]
    }
    const signature = [401, 'device_proof_refused', 'signature']
    expect(await refused(await other.proof({ payload: { jti: device.challenge } }))).toEqual(
      signature,
    )
    expect(await refused(await device.proof({ header: { typ: 'JWT' } }))).toEqual([
      ...signature.slice(0, 2),
      'type',
    ])
    const foreign = await device.proof({ payload: { jti: other.challenge } })
    expect((await device.renew(foreign)).status).toBe(403)
    const registration = /challenge="([^"]+)"/.exec(device.offer)?.[1]
    const reused = await device.proof({ payload: { jti: registration } })
    expect((await device.renew(reused)).status).toBe(403)
    expect((await device.renew()).status).toBe(200)
  })

  it('does not listen to a page, nor where nothing is bound', async () => {
    const device = await bound()
    const path = device.instructions!.refresh_url
    const page = await device.browser.send(path, {
      method: 'POST',
      headers: { 'secure-session-response': await device.proof() },
    })
    expect((await problem(page)).reason).toBe('device_proof_missing')
    const unbound = await signedIn()
    const id = unbound.browser.cookies.get('__Host-Http-sallyport-refresh')!.split('.')[0]!
    device.instructions = { ...device.instructions!, refresh_url: `/auth/device-session/${id}` }
    expect((await problem(await device.renew())).reason).toBe('device_proof_refused')
    device.instructions = { ...device.instructions, refresh_url: '/auth/device-session/ses_nobody' }
    expect((await problem(await device.renew())).reason).toBe('route_unknown')
  })

  it('ends as any other: signed out, revoked, idle', async () => {
    const device = await bound()
    device.browser.forgetAccess()
    expect((await device.browser.post('/auth/logout')).status).toBe(200)
    expect((await problem(await device.renew())).reason).toBe('session_unknown')
    const idle = await bound()
    pass(1801)
    expect((await problem(await idle.renew())).reason).toBe('session_idle')
  })

  it('gives way to the next login of the browser, and so does its key', async () => {
    const device = await bound()
    const first = device.instructions!
    await device.signIn()
    expect((await device.register()).status).toBe(200)
    // One identifier: the browser replaces what it had
    expect(device.instructions!.session_identifier).toBe(first.session_identifier)
    expect(device.instructions!.refresh_url).not.toBe(first.refresh_url)
    expect((await device.renew(null)).status).toBe(403)
    expect((await device.renew()).status).toBe(200)
    device.instructions = first
    expect((await problem(await device.renew())).reason).toBe('session_unknown')
  })
})

describe('an origin', () => {
  it('is told to which key the session is bound, and of nothing where it is not', async () => {
    const device = await signedIn()
    const told = async () => {
      expect(await call(device.browser)).toBe(200)
      const sent = world.outside.received.at(-1)?.headers.get('authorization') ?? ''
      return decodeJwt(sent.replace('Bearer ', ''))['cnf']
    }
    expect(await told()).toBeUndefined()
    expect((await device.register()).status).toBe(200)
    expect(await told()).toEqual({ jkt: await device.thumbprint() })
  })
})

describe('a site that requires binding', () => {
  it('gives a browser a minute to register', async () => {
    const device = await signedIn('required.test')
    const [access] = (await new Browser('required.test').signIn()).headers.getSetCookie()
    expect(Number(/Max-Age=(\d+)/.exec(access ?? '')?.[1])).toBeLessThanOrEqual(60)
    expect(await call(device.browser)).toBe(200)
    expect((await device.register()).status).toBe(200)
    pass(200)
    expect(await call(device.browser)).toBe(200)
    device.browser.forgetAccess()
    expect((await device.renew(null)).status).toBe(403)
    expect((await device.renew()).status).toBe(200)
    expect(await call(device.browser)).toBe(200)
  })

  it('renews nothing for one that does not', async () => {
    const { browser } = await signedIn('required.test')
    pass(61)
    expect(await call(browser)).toBe('device_binding_missing')
    const page = await browser.navigate('/api/me')
    expect(page.status).toBe(401)
    expect(await page.text()).toContain('binds a session to its device')
  })
})
