import { describe, expect, it, vi } from 'vitest'

import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

/** The status at the API, or the reason. */
async function me(browser: Browser): Promise<unknown> {
  const response = await browser.send('/api/me')
  return response.status === 200 ? 200 : (await problem(response)).reason
}

function post(path: string, body: string, type: string, host = 'shop.test'): Promise<Response> {
  const headers = { 'content-type': type, 'content-length': String(body.length) }
  return new Browser(host).send(path, { method: 'POST', body, headers })
}

function postForm(path: string, form: Readonly<Record<string, string>>, host?: string) {
  const type = 'application/x-www-form-urlencoded'
  return post(path, new URLSearchParams(form).toString(), type, host)
}

/** 200, or the check that failed. */
async function backchannel(token: string): Promise<unknown> {
  const response = await postForm('/auth/backchannel-logout', { logout_token: token })
  expect(response.headers.get('cache-control')).toBe('no-store')
  if (response.status === 200) return 200
  expect(await problem(response)).toEqual({ status: 400, reason: 'event_refused' })
  return world.log.findLast(({ event }) => event === 'request.denied')?.['check']
}

async function signedIn(sid = 'p1'): Promise<Browser> {
  world.outside.main.claims = { sid }
  const browser = new Browser()
  await browser.signIn()
  return browser
}

describe('signing out', () => {
  it('ends copies of the cookies too', async () => {
    const browser = await signedIn()
    const thief = browser.copy()
    expect(await me(thief)).toBe(200)
    await browser.post('/auth/logout')
    expect(await me(thief.copy())).toBe('session_revoked')
    pass(11)
    expect(await me(thief)).toBe('session_revoked')
    thief.forgetAccess()
    expect(await me(thief)).toBe('session_unknown')
  })

  it('everywhere ends every session of the person, and signing in again works at once', async () => {
    const [laptop, phone] = [await signedIn('p1'), await signedIn('p2')]
    world.outside.main.claims = { sub: 'eve' }
    const eve = new Browser()
    await eve.signIn()
    expect(await me(phone)).toBe(200)
    await laptop.post('/auth/logout?everywhere=true')
    expect(await me(phone.copy())).toBe('session_revoked')
    expect(await me(eve)).toBe(200)
    const again = await signedIn('p3')
    expect(await me(again)).toBe(200)
    phone.forgetAccess()
    expect(await me(phone.copy())).toBe('session_revoked')
  })

  it('shows nobody signed in to the page whose session was revoked', async () => {
    const browser = await signedIn()
    const other = browser.copy()
    expect((await other.send('/auth/session')).status).toBe(200)
    await browser.post('/auth/logout?everywhere=true')
    expect(await problem(await other.copy().send('/auth/session'))).toEqual({
      status: 401,
      reason: 'session_revoked',
    })
  })

  it('sends a navigation of a revoked session to sign in', async () => {
    const browser = await signedIn()
    const other = browser.copy()
    await browser.post('/auth/logout')
    const response = await other.copy().navigate('/api/page')
    expect(response.headers.get('location')).toBe(
      'https://shop.test/auth/login?return_to=%2Fapi%2Fpage',
    )
  })
})

describe('the back channel', () => {
  it('ends the session that the provider names, and no other', async () => {
    const [one, two] = [await signedIn('p1'), await signedIn('p2')]
    const token = await world.outside.main.logoutToken({ sid: 'p1' })
    expect(await backchannel(token)).toBe(200)
    expect(await me(one.copy())).toBe('session_revoked')
    expect(await me(two.copy())).toBe(200)
  })

  it('ends a login that was under way with the session it names', async () => {
    const { main } = world.outside
    main.claims = { sid: 'p1' }
    const browser = new Browser()
    const parameters = main.authorize(await browser.beginLogin())
    expect(await backchannel(await main.logoutToken({ sid: 'p1' }))).toBe(200)
    expect(await problem(await browser.send(`/auth/callback?${parameters}`))).toEqual({
      status: 401,
      reason: 'session_revoked',
    })
    expect(await me(await signedIn('p2'))).toBe(200)
  })

  it('ends all sessions of the person where it names none', async () => {
    const [one, two] = [await signedIn('p1'), await signedIn('p2')]
    expect(await backchannel(await world.outside.main.logoutToken())).toBe(200)
    expect(await me(one.copy())).toBe('session_revoked')
    expect(await me(two.copy())).toBe('session_revoked')
    expect(await me(await signedIn('p3'))).toBe(200)
  })

  it('takes a token once, and again only where it was not heard', async () => {
    const token = await world.outside.main.logoutToken({ sid: 'p1' })
    expect(await backchannel(token)).toBe(200)
    expect(await backchannel(token)).toBe('replayed')
  })

  it('answers 503 where no mark can be set, and the provider tries again', async () => {
    const { Denylist } = await import('../../src/platform/denylist.ts')
    const { Fault } = await import('../../src/fault.ts')
    const browser = await signedIn('p1')
    const token = await world.outside.main.logoutToken({ sid: 'p1' })
    const add = vi
      .spyOn(Denylist.prototype, 'add')
      .mockRejectedValueOnce(new Fault('storage_failed', 'x'))
    const response = await postForm('/auth/backchannel-logout', { logout_token: token })
    expect(response.status).toBe(503)
    expect(add).toHaveBeenCalledTimes(1)
    expect(await me(browser.copy())).toBe(200)
    expect(await backchannel(token)).toBe(200)
    expect(await me(browser.copy())).toBe('session_revoked')
  })

  it('refuses what is no logout token for us, each with its check', async () => {
    const { main } = world.outside
    const now = Math.floor(Date.now() / 1000)
    expect(await backchannel(await main.logoutToken())).toBe(200)
    const cases: readonly (readonly [string, string])[] = [
      ['signature', await main.logoutToken({}, {}, 'stranger')],
      ['issuer', await main.logoutToken({ iss: 'https://evil.test' })],
      ['audience', await main.logoutToken({ aud: 'other' })],
      ['nonce', await main.logoutToken({ nonce: 'n' })],
      ['event', await main.logoutToken({ events: { other: {} } })],
      ['claim_malformed', await main.logoutToken({ events: undefined })],
      ['claim_malformed', await main.logoutToken({ jti: undefined })],
      ['claim_missing', await main.logoutToken({ exp: undefined })],
      ['claim_missing', await main.logoutToken({ sub: undefined })],
      ['expired', await main.logoutToken({ exp: now - 61 })],
      ['issued_in_the_future', await main.logoutToken({ iat: now + 100 })],
      ['too_old', await main.logoutToken({ iat: now - 90_000 })],
      ['type', await main.logoutToken({}, { typ: 'at+jwt' })],
      [
        'algorithm',
        await main.logoutToken({}, { alg: 'none' }).catch(() => 'eyJhbGciOiJub25lIn0.e30.AAAA'),
      ],
    ]
    for (const [check, token] of cases) expect(await backchannel(token), check).toBe(check)
    // Providers of before the type was recommended.
    for (const typ of [undefined, 'JWT'])
      expect(await backchannel(await main.logoutToken({}, { typ }))).toBe(200)
  })

  it('takes one token in a form, and nothing else', async () => {
    const token = await world.outside.main.logoutToken()
    const twice = `logout_token=${token}&logout_token=${token}`
    const form = 'application/x-www-form-urlencoded'
    expect((await post('/auth/backchannel-logout', twice, form)).status).toBe(400)
    expect((await post('/auth/backchannel-logout', token, 'application/jwt')).status).toBe(415)
    expect((await new Browser().send('/auth/backchannel-logout')).status).toBe(405)
  })
})

describe('the front channel', () => {
  it('ends the session that the browser shows, if it is the one that is named', async () => {
    const browser = await signedIn('p1')
    const other = browser.copy()
    const path = (iss: string, sid: string) =>
      `/auth/frontchannel-logout?${new URLSearchParams({ iss, sid }).toString()}`
    for (const [iss, sid] of [
      ['https://id.test', 'p2'],
      ['https://evil.test', 'p1'],
    ] as const) {
      expect((await browser.send(path(iss, sid))).status).toBe(200)
      expect(await me(browser)).toBe(200)
    }
    expect((await browser.send('/auth/frontchannel-logout')).status).toBe(400)
    const response = await browser.send(path('https://id.test', 'p1'))
    expect(response.headers.get('content-security-policy')).toContain(
      'frame-ancestors https://id.test',
    )
    expect(browser.cookies.size).toBe(0)
    expect(await me(other.copy())).toBe('session_revoked')
    // Without the cookies nobody is signed out.
    const stranger = await signedIn('p4')
    await new Browser().send(path('https://id.test', 'p4'))
    expect(await me(stranger)).toBe(200)
  })
})

describe('revoking a token of ours', () => {
  it('ends the session that it stands for', async () => {
    for (const kind of ['access', 'refresh']) {
      const browser = await signedIn()
      const token = browser.cookies.get(`__Host-Http-sallyport-${kind}`) ?? ''
      const response = await postForm('/auth/revoke', { token })
      expect(response.status).toBe(200)
      expect(await response.text()).toBe('')
      expect(await me(browser.copy()), kind).toBe('session_revoked')
    }
  })

  it('says nothing of what is no token of ours, and ends nothing', async () => {
    const browser = await signedIn()
    for (const token of [
      'x',
      `${browser.cookies.get('__Host-Http-sallyport-refresh')!.slice(0, -2)}AA`,
    ])
      expect((await postForm('/auth/revoke', { token })).status).toBe(200)
    expect(await me(browser)).toBe(200)
    expect((await postForm('/auth/revoke', {})).status).toBe(400)
  })
})

describe('shared signals', () => {
  const caep = 'https://schemas.openid.net/secevent/caep/event-type/'
  const audience = 'https://shop.test/auth/events'

  function signal(claims: Record<string, unknown>, header = {}): Promise<string> {
    const nothing = { sub: undefined, client_id: undefined, scope: undefined, exp: undefined }
    return world.outside.as.token(
      { ...nothing, aud: audience, ...claims },
      { typ: 'secevent+jwt', ...header },
    )
  }

  async function send(set: string): Promise<{ status: number; err: unknown }> {
    const response = await post('/auth/events', set, 'application/secevent+jwt')
    const text = await response.text()
    return {
      status: response.status,
      err: text === '' ? undefined : (JSON.parse(text) as { err: unknown }).err,
    }
  }

  async function bearer(token: string): Promise<number> {
    const headers = { authorization: `Bearer ${token}` }
    return (await new Browser().send('/tokens/x', { headers })).status
  }

  it.each(['session-revoked', 'credential-change'])('end a person’s tokens: %s', async (type) => {
    const { as } = world.outside
    const token = await as.token()
    expect(await bearer(token)).toBe(200)
    const sub_id = { format: 'iss_sub', iss: 'https://as.test', sub: 'ada' }
    const set = await signal({ events: { [caep + type]: {} }, sub_id })
    expect(await send(set)).toEqual({ status: 202, err: undefined })
    expect(await bearer(token)).toBe(401)
    expect(await send(set)).toEqual({ status: 400, err: 'invalid_request' })
  })

  it('end one session where they name one', async () => {
    const { as } = world.outside
    const [mine, other] = [await as.token({ sid: 's1' }), await as.token({ sid: 's2' })]
    const subject = {
      format: 'complex',
      user: { format: 'iss_sub', iss: 'https://as.test', sub: 'ada' },
      session: { format: 'opaque', id: 's1' },
    }
    const events = { [`${caep}session-revoked`]: { subject } }
    expect((await send(await signal({ events }))).status).toBe(202)
    expect([await bearer(mine), await bearer(other)]).toEqual([401, 200])
  })

  it('may be of other kinds, and then end nothing', async () => {
    const events = {
      'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' },
    }
    const sub_id = { format: 'opaque', id: 'stream-1' }
    expect((await send(await signal({ events, sub_id }))).status).toBe(202)
    expect(world.log).toContainEqual(expect.objectContaining({ event: 'event.received', marks: 0 }))
  })

  it('are refused in the words of RFC 8935', async () => {
    const sub_id = { format: 'iss_sub', iss: 'https://as.test', sub: 'ada' }
    const good = { events: { [`${caep}session-revoked`]: {} }, sub_id }
    expect((await send(await signal(good))).status).toBe(202)
    expect((await send(await signal({ ...good, aud: 'other' }))).err).toBe('invalid_audience')
    expect((await send(await signal({ ...good, iss: 'https://evil.test' }))).err).toBe(
      'invalid_issuer',
    )
    expect((await send(await signal(good, { kid: 'other' }))).err).toBe('invalid_key')
    expect((await send(await signal(good, { typ: 'at+jwt' }))).err).toBe('invalid_request')
    expect((await send('no token')).err).toBe('invalid_request')
    expect((await post('/auth/events', 'x', 'text/plain')).status).toBe(400)
    // A site that hears nobody has no such place.
    expect((await post('/auth/events', 'x', 'application/secevent+jwt', 'admin.test')).status).toBe(
      404,
    )
  })
})
