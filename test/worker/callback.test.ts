import { describe, expect, it } from 'vitest'

import { Browser, deniedReason, eachTestHasItsWorld, pass, world } from './world.ts'

eachTestHasItsWorld()

/** Begins a login, lets the test spoil the response, and gives the reason of the refusal. */
async function refused(
  spoil: (parameters: URLSearchParams, browser: Browser) => void | Promise<void>,
): Promise<unknown> {
  const honest = new Browser()
  await honest.signIn()
  const browser = new Browser()
  const parameters = world.outside.main.authorize(await browser.beginLogin())
  await spoil(parameters, browser)
  const response = await browser.navigate(`/auth/callback?${parameters}`)
  expect(response.status).toBeGreaterThanOrEqual(400)
  expect(response.status).toBeLessThan(500)
  expect(response.headers.getSetCookie()).toEqual([])
  expect(await response.text()).not.toContain('evil words')
  return deniedReason()
}

describe('callback', () => {
  it('rejects a callback that carries no state', async () => {
    expect(await refused((parameters) => parameters.delete('state'))).toBe('state_missing')
    expect(await refused((parameters) => parameters.set('state', ''))).toBe('state_missing')
    // A missing cookie does not make up for a missing state.
    const both = await refused((parameters, browser) => {
      parameters.delete('state')
      browser.cookies.clear()
    })
    expect(both).toBe('state_missing')
  })

  it('rejects a state that somebody else made, or made for another site', async () => {
    expect(await refused((parameters) => parameters.set('state', 'evil words'))).toBe(
      'state_unreadable',
    )
    const other = await new Browser('admin.test').beginLogin()
    const foreign = new URL(other).searchParams.get('state') ?? ''
    expect(await refused((parameters) => parameters.set('state', foreign))).toBe('state_unreadable')
  })

  it('rejects a state that another host of the site made', async () => {
    const browser = new Browser('www.shop.test')
    const parameters = world.outside.main.authorize(await browser.beginLogin())
    const other = new Browser('shop.test')
    for (const [name, value] of browser.cookies) other.cookies.set(name, value)
    expect((await other.navigate(`/auth/callback?${parameters}`)).status).toBe(400)
    expect(deniedReason()).toBe('state_unreadable')
  })

  it('rejects a login that took longer than its lifetime', async () => {
    expect(await refused(() => pass(601))).toBe('login_expired')
  })

  it('rejects a callback in a browser that did not begin the login', async () => {
    expect(await refused((_, browser) => browser.cookies.clear())).toBe('login_cookie_missing')
    for (const value of ['x'.repeat(43), '']) {
      const reason = await refused((_, browser) => {
        for (const name of browser.cookies.keys()) browser.cookies.set(name, value)
      })
      expect(reason).toBe('login_cookie_mismatch')
    }
    // The victim began a login of its own: that one's cookie is not this one's.
    const another = await refused(async (_, browser) => {
      browser.cookies.clear()
      await browser.beginLogin()
    })
    expect(another).toBe('login_cookie_missing')
  })

  it('rejects duplicate parameters', async () => {
    for (const name of ['code', 'state', 'iss']) {
      const reason = await refused((parameters) =>
        parameters.append(name, parameters.get(name) ?? ''),
      )
      expect(reason).toBe('parameter_duplicated')
    }
  })

  it('rejects a response without a code, and one that names another issuer or none', async () => {
    expect(await refused((parameters) => parameters.delete('code'))).toBe('code_missing')
    expect(await refused((parameters) => parameters.set('iss', 'https://evil.test'))).toBe(
      'response_issuer_mismatch',
    )
    expect(await refused((parameters) => parameters.delete('iss'))).toBe('response_issuer_mismatch')
  })

  it('rejects a code that the provider does not know', async () => {
    expect(await refused((parameters) => parameters.set('code', 'made-up'))).toBe('code_refused')
  })

  it('says that signing in was declined, without the words of the provider', async () => {
    const reason = await refused((parameters) => {
      parameters.delete('code')
      parameters.set('error', 'access_denied')
      parameters.set('error_description', '<script>evil words</script>')
    })
    expect(reason).toBe('login_denied')
  })

  it('rejects an answer without an ID token', async () => {
    const reason = await refused(() => {
      world.outside.main.token = { id_token: undefined }
    })
    expect(reason).toBe('id_token_missing')
  })

  it('rejects an ID token with a wrong nonce, issuer, audience, time or subject', async () => {
    const now = Math.floor(Date.now() / 1000)
    const spoiled: [string, Record<string, unknown>][] = [
      ['nonce', { nonce: 'another' }],
      ['claims', { nonce: undefined }],
      ['iss', { iss: 'https://evil.test' }],
      ['aud', { aud: 'another-client' }],
      ['aud', { aud: ['shop', 'another-client'] }],
      ['azp', { aud: ['shop', 'another-client'], azp: 'another-client' }],
      ['exp', { exp: now - 60 }],
      ['nbf', { nbf: now + 600 }],
      ['claims', { sub: undefined }],
      ['claims', { exp: undefined }],
    ]
    for (const [check, claims] of spoiled) {
      const reason = await refused(() => {
        world.outside.main.claims = claims
      })
      expect(reason, check).toBe('id_token_refused')
      expect(world.log.findLast(({ event }) => event === 'request.denied')?.['check']).toBe(check)
      world.outside.main.claims = {}
    }
  })

  it('rejects an ID token that is older than the max_age the login asked for', async () => {
    const browser = new Browser()
    await browser.signIn(world.outside.main, '?max_age=60')
    const stale = new Browser()
    const parameters = world.outside.main.authorize(await stale.beginLogin('?max_age=60'))
    world.outside.main.claims = { auth_time: Math.floor(Date.now() / 1000) - 600 }
    expect((await stale.navigate(`/auth/callback?${parameters}`)).status).toBe(400)
    expect(deniedReason()).toBe('id_token_refused')
  })

  it('rejects an ID token that a stranger signed', async () => {
    const reason = await refused(() => {
      world.outside.main.signer = 'stranger'
    })
    expect(reason).toBe('signature_refused')
  })

  it('rejects a posted callback that is no small form', async () => {
    const browser = new Browser()
    const json = await browser.send('/auth/callback', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    })
    expect(json.status).toBe(415)
    expect(deniedReason()).toBe('body_not_a_form')
  })
})
