import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

/** Begins a login, then breaks the provider; gives the answer to the callback as a program sees it. */
async function callbackAgainst(
  spoil: () => void,
): Promise<{ status: number; reason: unknown; text: string }> {
  const browser = new Browser()
  const parameters = world.outside.main.authorize(await browser.beginLogin())
  spoil()
  const response = await browser.send(`/auth/callback?${parameters}`)
  const text = await response.clone().text()
  return { ...(await problem(response)), text }
}

describe('a provider that is broken', () => {
  it('is not blamed on the caller when its token endpoint answers HTML', async () => {
    const answer = await callbackAgainst(() =>
      world.outside.main.instead.set(
        '/token',
        () => new Response('<h1>evil words</h1>', { headers: { 'content-type': 'text/html' } }),
      ),
    )
    expect(answer).toMatchObject({ status: 502, reason: 'provider_malformed' })
    expect(answer.text).not.toContain('evil words')
  })

  it('answers 500 and the person is asked to try again', async () => {
    const answer = await callbackAgainst(() =>
      world.outside.main.instead.set('/token', () => new Response('evil words', { status: 500 })),
    )
    expect(answer).toMatchObject({ status: 503, reason: 'provider_failed' })
  })

  it('does not answer in time', async () => {
    const answer = await callbackAgainst(() =>
      world.outside.main.instead.set('/token', () => new Promise<never>(() => undefined)),
    )
    expect(answer).toMatchObject({ status: 503, reason: 'provider_slow' })
  })

  it('refuses our client', async () => {
    const answer = await callbackAgainst(() =>
      world.outside.main.instead.set('/token', () =>
        Response.json({ error: 'invalid_client' }, { status: 401 }),
      ),
    )
    expect(answer).toMatchObject({ status: 503, reason: 'provider_misconfigured' })
  })

  it('cannot be reached before anything is known of it', async () => {
    world.outside.main.instead.set('/.well-known/openid-configuration', () => {
      throw new TypeError('connection refused: evil words')
    })
    const response = await new Browser().send('/auth/login')
    expect(response.headers.get('retry-after')).toBe('10')
    expect(await problem(response)).toEqual({ status: 503, reason: 'provider_unreachable' })
    expect(JSON.stringify(world.log)).not.toContain('evil words')
  })

  it('names another issuer in its discovery document', async () => {
    world.outside.main.metadata = { issuer: 'https://evil.test' }
    expect(await problem(await new Browser().send('/auth/login'))).toMatchObject({
      reason: 'provider_malformed',
    })
  })

  it('redirects a request of ours, which is not followed', async () => {
    world.outside.main.instead.set('/.well-known/openid-configuration', () =>
      Response.redirect('https://evil.test/.well-known/openid-configuration', 302),
    )
    expect(await problem(await new Browser().send('/auth/login'))).toMatchObject({
      reason: 'provider_malformed',
    })
  })

  it('names a token endpoint that is not https, which is not asked', async () => {
    world.outside.main.metadata = { token_endpoint: 'http://id.test/token' }
    const answer = await callbackAgainst(() => undefined)
    expect(answer.reason).toBe('provider_malformed')
    expect(world.outside.main.count('/token')).toBe(0)
  })

  it('sends more than anybody needs', async () => {
    world.outside.main.instead.set('/jwks', () => new Response('x'.repeat(300_000)))
    expect(await problem(await new Browser().send('/auth/login'))).toMatchObject({
      reason: 'provider_malformed',
    })
  })

  it('is asked for its documents once, however many isolates start at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => new Browser().send('/auth/login')))
    expect(world.outside.main.count('/.well-known/openid-configuration')).toBe(1)
    expect(world.outside.main.count('/jwks')).toBe(1)
  })

  it('is asked for an unknown key once per cool-down', async () => {
    await new Browser().signIn()
    const { main } = world.outside
    main.instead.set('/jwks', () => Response.json({ keys: [] }))
    for (let i = 0; i < 5; i++) await new Browser().signIn()
    expect(main.count('/jwks')).toBe(1)
  })
})
