import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

const where =
  'https://shop.test/auth/login?acr_values=gold&max_age=600&return_to=%2Fboth%2Ffresh%3Fx%3D1'

/** Signed in, not strongly enough for /both/fresh. */
async function signedIn(): Promise<Browser> {
  const browser = new Browser()
  await browser.signIn()
  return browser
}

/** The session that the cookies stand for. */
function sessionOf(browser: Browser): string {
  return browser.cookies.get('__Host-Http-sallyport-refresh')?.split('.')[0] ?? ''
}

describe('a stronger sign-in', () => {
  it('is asked of a navigation, and leads back to where it was going', async () => {
    const browser = await signedIn()
    const asked = await browser.navigate('/both/fresh?x=1')
    expect(asked.headers.get('location')).toBe(where)
    world.outside.main.claims = { acr: 'gold' }
    const location = await browser.beginLogin(new URL(where).search)
    const request = new URL(location).searchParams
    expect([request.get('acr_values'), request.get('max_age')]).toEqual(['gold', '600'])
    const back = await browser.navigate(`/auth/callback?${world.outside.main.authorize(location)}`)
    expect(back.headers.get('location')).toBe('https://shop.test/both/fresh?x=1')
    expect((await browser.navigate('/both/fresh?x=1')).status).toBe(200)
  })

  it('makes a new session with new secrets, and ends the old one with every copy', async () => {
    const browser = await signedIn()
    const old = browser.copy()
    world.outside.main.claims = { acr: 'gold' }
    await browser.signIn(world.outside.main, '?acr_values=gold')
    expect(sessionOf(browser)).not.toBe(sessionOf(old))
    expect(await problem(await old.copy().send('/api/me'))).toMatchObject({
      reason: 'session_revoked',
    })
    old.forgetAccess()
    expect(await problem(await old.send('/api/me'))).toMatchObject({ reason: 'session_unknown' })
  })

  it('is refused where the provider did not do what it was asked', async () => {
    for (const claims of [{}, { acr: 'silver' }, { acr: ['gold'] }]) {
      const browser = await signedIn()
      const before = sessionOf(browser)
      world.outside.main.claims = claims
      const location = await browser.beginLogin('?acr_values=gold')
      const response = await browser.send(
        `/auth/callback?${world.outside.main.authorize(location)}`,
      )
      expect(await problem(response)).toEqual({
        status: 401,
        reason: 'authentication_insufficient',
      })
      // Nobody is signed out by it.
      expect(sessionOf(browser)).toBe(before)
      world.outside.main.claims = {}
      expect((await browser.send('/api/me')).status).toBe(200)
    }
  })

  it('is told to a fetch, which is sent nowhere', async () => {
    const browser = await signedIn()
    const response = await browser.send('/both/fresh')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toContain('insufficient_user_authentication')
  })
})
