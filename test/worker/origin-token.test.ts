import { describe, expect, it } from 'vitest'

import { Browser, deniedReason, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

async function signedIn(): Promise<Browser> {
  const browser = new Browser('origins.test')
  await browser.signIn()
  return browser
}

/** What the origin got of the caller. */
async function sent(browser: Browser, path: string, token?: string): Promise<string | undefined> {
  const headers: Record<string, string> =
    token === undefined ? {} : { authorization: `Bearer ${token}` }
  const response = await browser.send(path, { headers })
  expect(response.status, JSON.stringify(world.log.at(-1))).toBe(200)
  return world.outside.received.at(-1)?.headers.get('authorization')?.replace('Bearer ', '')
}

/** What the provider was asked for when it gave the token: subject token, audience, resource, scope. */
function askedFor(token: string | undefined): unknown {
  return (JSON.parse(atob(token ?? '')) as readonly unknown[]).slice(1)
}

const exchanges = () =>
  world.outside.main.count('/token', 'urn:ietf:params:oauth:grant-type:token-exchange')

describe('the access token of a session', () => {
  it('goes to the origin, and never to the browser', async () => {
    const browser = await signedIn()
    const response = await browser.send('/token/x')
    expect(world.outside.received.at(-1)?.headers.get('authorization')).toBe('Bearer at-2')
    const shown = JSON.stringify([...response.headers]) + (await response.text())
    expect(shown).not.toContain('at-2')
    const who = await (await browser.send('/auth/session')).text()
    expect(who).not.toContain('at-2')
  })

  it('is refreshed once where it runs out before the access cookie, however many ask', async () => {
    world.outside.main.token = { expires_in: 60 }
    const browser = await signedIn()
    expect(await sent(browser, '/token/x')).toBe('at-2')
    expect(await sent(browser, '/token/y')).toBe('at-2')
    pass(55)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, i) => browser.send(`/token/${String(i)}`)),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(10).fill(200))
    const tokens = world.outside.received
      .slice(-10)
      .map(({ headers }) => headers.get('authorization'))
    expect(new Set(tokens)).toEqual(new Set(['Bearer at-3']))
    expect(world.outside.main.count('/token', 'refresh_token')).toBe(1)
  })

  it('is missed where it has run out and nothing renews it: the person signs in again', async () => {
    world.outside.main.token = { expires_in: 60, refresh_token: undefined }
    const browser = await signedIn()
    expect(await sent(browser, '/token/x')).toBe('at-2')
    pass(61)
    expect(await problem(await browser.send('/token/x'))).toEqual({
      status: 401,
      reason: 'provider_token_over',
    })
    expect((await browser.navigate('/token/x')).headers.get('location')).toContain('/auth/login?')
  })

  it('ends with the session, wherever it is kept', async () => {
    const browser = await signedIn()
    const copy = browser.copy()
    expect(await sent(browser, '/token/x')).toBe('at-2')
    await browser.post('/auth/logout')
    expect(await problem(await copy.send('/token/x'))).toMatchObject({ reason: 'session_revoked' })
  })
})

describe('a bearer’s token', () => {
  it('goes on as it came', async () => {
    const token = await world.outside.as.token()
    expect(await sent(new Browser('origins.test'), '/token/x', token)).toBe(token)
  })
})

describe('a token in exchange', () => {
  it('is for the origin alone, got once for a session and target', async () => {
    const browser = await signedIn()
    const orders = await sent(browser, '/orders/1')
    expect(askedFor(orders)).toEqual(['at-2', 'orders', null, 'orders.read orders.write'])
    const billing = await sent(browser, '/billing/1')
    expect(askedFor(billing)).toEqual(['at-2', null, 'https://billing.test/', null])
    expect(await sent(browser, '/orders/2')).toBe(orders)
    // Another isolate asks the session, which has it at hand
    expect(await sent(browser.copy(), '/orders/3')).toBe(orders)
    expect(exchanges()).toBe(2)
  })

  it('is got once for twenty isolates that ask at the same time', async () => {
    const browser = await signedIn()
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => browser.copy().send('/orders/1')),
    )
    expect(answers.map(({ status }) => status)).toEqual(Array(20).fill(200))
    expect(exchanges()).toBe(1)
  })

  it('is never another session’s, another token’s, or for another target', async () => {
    const [ada, other] = [await signedIn(), await signedIn()]
    const tokens = [
      await sent(ada, '/orders/1'),
      await sent(other, '/orders/1'),
      await sent(ada, '/billing/1'),
      await sent(ada, '/token/1'),
    ]
    const bearer = new Browser('origins.test')
    for (const jti of ['a', 'b'])
      tokens.push(await sent(bearer, '/orders/1', await world.outside.as.token({ jti })))
    expect(new Set(tokens).size).toBe(tokens.length)
  })

  it('is got anew when it runs out', async () => {
    const browser = await signedIn()
    const first = await sent(browser, '/orders/1')
    pass(280)
    expect(await sent(browser, '/orders/1')).toBe(first)
    pass(15)
    browser.forgetAccess()
    expect(await sent(browser, '/orders/1')).not.toBe(first)
  })

  it('is refused where the provider refuses it, and a fault where it gives something else', async () => {
    const browser = await signedIn()
    const { main } = world.outside
    for (const error of ['invalid_target', 'access_denied', 'invalid_grant']) {
      main.instead.set('/token', () =>
        Response.json({ error, error_description: 'secret text' }, { status: 400 }),
      )
      const response = await browser.send('/orders/1')
      const text = await response.clone().text()
      expect(await problem(response)).toEqual({ status: 403, reason: 'exchange_refused' })
      expect(text).not.toContain('secret text')
    }
    main.instead.clear()
    for (const [answer, reason] of [
      [{ issued_token_type: 'urn:ietf:params:oauth:token-type:id_token' }, 'provider_malformed'],
      [{ issued_token_type: undefined }, 'provider_malformed'],
      [{ token_type: 'N_A' }, 'provider_malformed'],
    ] as const) {
      main.originToken = answer
      expect(await problem(await browser.send('/orders/1'))).toMatchObject({ reason })
    }
    main.originToken = {}
    expect((await browser.send('/orders/1')).status).toBe(200)
  })

  it('does not outlive the token that a bearer came with', async () => {
    const bearer = new Browser('origins.test')
    const now = Math.floor(Date.now() / 1000)
    const token = await world.outside.as.token({ exp: now + 30 })
    expect(askedFor(await sent(bearer, '/orders/1', token))).toEqual([
      token,
      'orders',
      null,
      'orders.read orders.write',
    ])
    pass(40)
    expect(
      (await bearer.send('/orders/1', { headers: { authorization: `Bearer ${token}` } })).status,
    ).toBe(401)
    expect(deniedReason()).toBe('token_refused')
  })
})

describe('the site’s own token', () => {
  it('is got once, whoever calls, and again before it runs out', async () => {
    const browser = await signedIn()
    const own = await sent(browser, '/own/1')
    expect(askedFor(own)).toEqual([null, 'stock', null, 'stock'])
    const token = await world.outside.as.token()
    browser.cookies.clear()
    expect(await sent(browser, '/own/2', token)).toBe(own)
    expect(world.outside.main.count('/token', 'client_credentials')).toBe(1)
    pass(230)
    expect(await sent(browser, '/own/3', await world.outside.as.token())).not.toBe(own)
  })

  it('is a fault where the provider gives none', async () => {
    const browser = await signedIn()
    world.outside.main.instead.set('/token', () =>
      Response.json({ error: 'invalid_scope' }, { status: 400 }),
    )
    expect(await problem(await browser.send('/own/1'))).toEqual({
      status: 503,
      reason: 'provider_misconfigured',
    })
  })
})
