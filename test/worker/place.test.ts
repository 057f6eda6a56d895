import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, type Sent, world } from './world.ts'

eachTestHasItsWorld()

const firefox = 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0'
const newer = firefox.replaceAll('140.0', '141.0')
const chrome = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0'

const home: Sent = { cf: { country: 'DE', asn: 3320 }, headers: { 'user-agent': firefox } }
const abroad: Sent = { ...home, cf: { country: 'FR', asn: 3320 } }
const train: Sent = { ...home, cf: { country: 'DE', asn: 20_880 } }
const nowhere: Sent = { ...home, cf: {} }

async function signedIn(host = 'placed.test'): Promise<Browser> {
  const browser = new Browser(host)
  await browser.signIn(world.outside.main, '', home)
  return browser
}

async function call(browser: Browser, sent: Sent): Promise<unknown> {
  const response = await browser.send('/api/me', sent)
  return response.status === 200 ? 200 : (await problem(response)).reason
}

function moves(): readonly unknown[] {
  return world.log
    .filter(({ event }) => event === 'session.moved')
    .map(({ what, does }) => [what, does])
}

describe('a session that turns up elsewhere', () => {
  it('goes on at home, whatever version the browser has come to', async () => {
    const browser = await signedIn()
    expect(await call(browser, home)).toBe(200)
    expect(await call(browser, { ...home, headers: { 'user-agent': newer } })).toBe(200)
    browser.forgetAccess()
    expect(await call(browser, { ...home, headers: { 'user-agent': newer } })).toBe(200)
    expect(moves()).toEqual([])
  })

  it('is refused until somebody signs in, where the site wants that, and works again at home', async () => {
    const browser = await signedIn()
    expect(await call(browser, train)).toBe('session_moved')
    expect((await problem(await browser.send('/auth/session', train))).reason).toBe('session_moved')
    expect((await problem(await browser.send('/auth/sessions', train))).reason).toBe(
      'session_moved',
    )
    const renewing = browser.copy()
    renewing.forgetAccess()
    expect(await call(renewing, train)).toBe('session_moved')
    expect(await call(browser, home)).toBe(200)
    expect(await call(renewing, home)).toBe(200)
  })

  it('is sent to a sign-in that asks for the person, not for a cookie of the provider', async () => {
    const browser = await signedIn()
    const response = await browser.navigate('/api/me', train)
    const location = new URL(response.headers.get('location') ?? '')
    expect(location.pathname + location.search).toBe(
      '/auth/login?prompt=login&return_to=%2Fapi%2Fme',
    )
    const parameters = world.outside.main.authorize(await browser.beginLogin(location.search))
    expect((await browser.navigate(`/auth/callback?${parameters}`, train)).status).toBe(303)
    expect(await call(browser, train)).toBe(200)
    expect(await call(browser, home)).toBe('session_moved')
  })

  it('ends, where the site wants that, with every copy of its cookies', async () => {
    const browser = await signedIn()
    const copy = browser.copy()
    expect(await call(browser, abroad)).toBe('session_moved')
    expect(moves()).toEqual([['country', 'end']])
    expect(await call(copy, home)).toBe('session_revoked')
    copy.forgetAccess()
    expect(await call(copy, home)).toBe('session_unknown')
    // What is not said any more is not the same
    const unknown = await signedIn()
    expect(await call(unknown, nowhere)).toBe('session_moved')
    expect(await call(unknown, home)).toBe('session_revoked')
    const renewing = await signedIn()
    renewing.forgetAccess()
    expect(await call(renewing, abroad)).toBe('session_moved')
    expect(await call(renewing, home)).toBe('session_unknown')
  })

  it('is noted once at its renewal, where the site wants no more', async () => {
    const browser = await signedIn()
    const other: Sent = { ...home, headers: { 'user-agent': chrome } }
    expect(await call(browser, other)).toBe(200)
    expect(moves()).toEqual([])
    for (let renewal = 0; renewal < 2; renewal++) {
      browser.forgetAccess()
      expect(await call(browser, other)).toBe(200)
    }
    expect(moves()).toEqual([['browser', 'note']])
  })

  it('is nobody’s concern on a site that says nothing of it', async () => {
    const browser = await signedIn('shop.test')
    expect(await call(browser, { cf: { country: 'US' }, headers: { 'user-agent': chrome } })).toBe(
      200,
    )
    browser.forgetAccess()
    expect(await call(browser, abroad)).toBe(200)
    expect(moves()).toEqual([])
  })

  it('can still sign out', async () => {
    const browser = await signedIn()
    const copy = browser.copy()
    const out = await browser.send('/auth/logout', {
      ...train,
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    expect(out.status).toBe(200)
    expect(await call(copy, home)).toBe('session_revoked')
  })
})
