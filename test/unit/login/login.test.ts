import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { Seal } from '../../../src/seal.ts'
import { decodeBase64url } from '../../../src/base64url.ts'
import { partOf } from '../world/keys.ts'
import { Browser, createWorld, endWorld, reasonOf, type World } from '../world/world.ts'
import { sealKey } from '../world/vars.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World
let browser: Browser

beforeEach(async () => {
  world = await createWorld()
  browser = world.browser
})
afterEach(endWorld)

const program = { headers: { accept: 'application/json' } }
const answerTo = async (path: string, init: RequestInit = program) =>
  reasonOf(await browser.visit(path, init))

describe('beginning a login', () => {
  it('refuses parameters that stand twice or are malformed', async () => {
    const good = await browser.visit(
      '/auth/login?prompt=login%20consent&max_age=0&acr_values=a%20b',
    )
    expect(good.status).toBe(303)
    for (const name of ['return_to', 'prompt', 'max_age', 'acr_values']) {
      expect(await answerTo(`/auth/login?${name}=1&${name}=1`)).toBe('parameter_duplicated')
    }
    for (const query of ['prompt=create', 'prompt=none+login', 'max_age=-1', 'acr_values=%0a']) {
      expect(await answerTo(`/auth/login?${query}`), query).toBe('parameter_malformed')
    }
  })

  it('refuses a way back that leads out of the site', async () => {
    expect((await browser.visit('/auth/login?return_to=/a')).status).toBe(303)
    expect(await answerTo('/auth/login?return_to=//evil.example')).toBe('return_to_foreign')
    expect(await answerTo('/auth/login?return_to=/auth/logout')).toBe('return_to_foreign')
  })

  it('passes on nothing of the query that it does not know', async () => {
    const begun = await browser.visit(
      '/auth/login?redirect_uri=https://evil.example&scope=admin&x=1',
    )
    const asked = new URL(begun.headers.get('location')!).searchParams
    expect(asked.get('redirect_uri')).toBe('https://shop.example.com/auth/callback')
    expect(asked.get('scope')).toBe('openid')
    expect(asked.has('x')).toBe(false)
  })

  it('gives every login a state, a nonce and a verifier of its own', async () => {
    const asked = await Promise.all(
      [1, 2].map(
        async () => new URL((await browser.visit('/auth/login')).headers.get('location')!),
      ),
    )
    for (const name of ['state', 'nonce', 'code_challenge']) {
      const [a, b] = asked.map(({ searchParams }) => searchParams.get(name))
      expect(a).not.toBe(b)
    }
  })
})

describe('coming back from the provider', () => {
  it('refuses another browser than the one that began', async () => {
    const honest = await browser.beginLogin()
    const victim = new Browser(world)
    const stolen = await victim.visit(honest, program)
    expect(await reasonOf(stolen)).toBe('login_cookie_missing')
    expect(victim.cookie('access')).toBeUndefined()
    expect((await browser.visit(honest)).status).toBe(303)
    expect(browser.cookie('access')).toBeDefined()
  })

  it('refuses a login cookie that belongs to another login', async () => {
    const path = await browser.beginLogin()
    for (const name of browser.jar.keys()) browser.jar.set(name, 'x'.repeat(43))
    expect(await answerTo(path)).toBe('login_cookie_mismatch')
  })

  it('refuses a response without state, with a foreign one, or with one too many', async () => {
    const path = await browser.beginLogin()
    const without = new URLSearchParams(path.split('?')[1])
    without.delete('state')
    expect(await answerTo(`/auth/callback?${without.toString()}`)).toBe('state_missing')
    expect(await answerTo(`/auth/callback?${without.toString()}&state=x`)).toBe('state_unreadable')
    expect(await answerTo(`${path}&state=x`)).toBe('parameter_duplicated')
    expect(await answerTo(`${path}&code=x`)).toBe('parameter_duplicated')
    expect((await browser.visit(path)).status).toBe(303)
  })

  it('refuses a login that took too long', async () => {
    const path = await browser.beginLogin()
    world.wait(600)
    expect(await answerTo(path)).toBe('login_expired')
  })

  it('refuses a response of another issuer, or to another login', async () => {
    const path = await browser.beginLogin()
    const other = path.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.example')
    expect(await answerTo(other)).toBe('response_issuer_mismatch')
    // The state of a login that was begun at another provider of the same site
    const seal = await Seal.fromKeys([decodeBase64url(sealKey)!])
    const state = new URL(path, 'https://x.example').searchParams.get('state')!
    const opened = await seal.open('shop', 'login', state, 0)
    const transaction = (opened as { value: Record<string, unknown> }).value
    for (const change of [{ provider: 'evil' }, { redirectUri: 'https://other.example/cb' }]) {
      const value = { ...transaction, ...change }
      const forged = await seal.seal('shop', 'login', value, 2e9)
      expect(await answerTo(path.replace(state, forged))).toBe('state_unreadable')
    }
    expect((await browser.visit(path)).status).toBe(303)
  })

  it('refuses without asking the provider what cannot be good', async () => {
    const path = await browser.beginLogin()
    const before = world.provider.asked.length
    await new Browser(world).visit(path)
    await browser.visit(`${path}&state=x`)
    await browser.visit(path.replace(/code=[^&]*/, 'code='))
    expect(world.provider.asked.slice(before)).toEqual([])
    expect(await answerTo(path.replace(/code=[^&]*/, 'code='))).toBe('code_missing')
  })

  it('refuses a code that was used already', async () => {
    const path = await browser.beginLogin()
    const twin = new Browser(world)
    for (const [name, value] of browser.jar) twin.jar.set(name, value)
    expect((await browser.visit(path)).status).toBe(303)
    expect(await reasonOf(await twin.visit(path, program))).toBe('code_refused')
  })

  it('tells who said no at the provider that it was so', async () => {
    const path = await browser.beginLogin()
    const declined = path.replace(/code=[^&]*/, 'error=access_denied')
    expect(await answerTo(declined)).toBe('login_denied')
  })

  it('replaces a session that the browser already had, and ends that one', async () => {
    await browser.signIn()
    const planted = new Map(browser.jar)
    const attacker = new Browser(world)
    for (const [name, value] of planted) attacker.jar.set(name, value)
    expect(await (await attacker.call('/auth/session')).json()).toMatchObject({ sub: 'ada' })
    world.wait(2)
    // The attacker's cookies are in the victim's browser when the victim signs in
    world.provider.claims = { sub: 'eve' }
    expect((await browser.signIn()).status).toBe(303)
    expect(browser.cookie('access')).not.toBe(planted.get('__Host-Http-sallyport-access'))
    const [before] = attacker.cookie('refresh')!.split('.')
    expect(browser.cookie('refresh')).not.toContain(before)
    const renewed = await attacker.call('/auth/refresh', { method: 'POST' })
    expect(await reasonOf(renewed)).toBe('session_unknown')
  })

  it('lets one tab finish what another has finished already', async () => {
    const [first, second] = [
      await browser.beginLogin('?return_to=/a'),
      await browser.beginLogin('?return_to=/b'),
    ]
    expect((await browser.visit(first)).headers.get('location')).toMatch(/\/a$/)
    const asked = world.provider.asked.length
    expect((await browser.visit(second)).headers.get('location')).toMatch(/\/b$/)
    expect(world.provider.asked).toHaveLength(asked)
    expect([...browser.jar.keys()].filter((name) => name.includes('login'))).toEqual([])
  })

  it('leads back to an absolute address of this site', async () => {
    const back = await browser.signIn('?return_to=/a%3Fb%3D//evil.example')
    expect(back.headers.get('location')).toBe('https://shop.example.com/a?b=//evil.example')
  })

  it('accepts as a form only a small form', async () => {
    const post = (headers: Record<string, string>) =>
      answerTo('/auth/callback', {
        method: 'POST',
        body: 'a=b',
        headers: { ...program.headers, ...headers },
      })
    const form = 'application/x-www-form-urlencoded'
    expect(await post({ 'content-type': form, 'content-length': '3' })).toBe('state_missing')
    expect(await post({ 'content-type': form, 'content-length': '65537' })).toBe('body_not_a_form')
    expect(await post({ 'content-type': form })).toBe('body_not_a_form')
    expect(await post({ 'content-type': 'text/plain', 'content-length': '3' })).toBe(
      'body_not_a_form',
    )
  })

  it('has its own page post a form again, since Lax cookies stay at home', async () => {
    const path = await browser.beginLogin()
    const body = path.split('?')[1]!
    const headers = {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(body.length),
      cookie: 'none=1',
    }
    const page = await browser.visit('/auth/callback', { method: 'POST', body, headers })
    expect(page.status).toBe(200)
    const again = `${body}&sallyport_bounced=1`
    const second = await browser.visit('/auth/callback', {
      method: 'POST',
      body: again,
      headers: { ...headers, 'content-length': String(again.length), cookie: browser.cookieHeader },
    })
    expect(second.status).toBe(303)
    const third = new Browser(world)
    const bounced = { ...headers, ...program.headers, 'content-length': String(again.length) }
    const lost = await third.visit('/auth/callback', {
      method: 'POST',
      body: again,
      headers: bounced,
    })
    expect(await reasonOf(lost)).toBe('login_cookie_missing')
  })
})

it('hands no token to the browser', async () => {
  const back = await browser.signIn()
  const who = await (await browser.call('/auth/session')).text()
  const seen = [who, await back.text(), ...browser.jar.values()].join(' ')
  // Sealed cookies are random text, which may hold any three letters: a token is two parts that begin so.
  expect(seen).not.toMatch(/eyJ[\w-]+\.eyJ|access-\d|refresh-\d/)
  await browser.call('/api/x')
  const assertion = world.received[0]!.headers.get('authorization')!.slice(7)
  expect(JSON.stringify(partOf(assertion, 1))).not.toMatch(/access-\d|refresh-\d/)
})
