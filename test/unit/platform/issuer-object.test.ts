import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import { makeSigner } from '../world/keys.ts'
import { createWorld, endWorld, reasonOf, type World } from '../world/world.ts'

vi.mock('cloudflare:workers', () => import('../world/runtime.ts'))

let world: World

beforeEach(async () => {
  world = await createWorld()
})
afterEach(endWorld)

const askedForKeys = () => world.provider.asked.filter((path) => path === '/jwks').length

/** A login whose ID token is signed by a key of this name; the reason, or where it leads. */
async function signInWith(kid: string, known = false): Promise<unknown> {
  const signer = await makeSigner('RS256', kid)
  world.provider.signWith = signer
  if (known) world.provider.keys = [signer.publicJwk]
  world.browser.jar.clear()
  const path = await world.browser.beginLogin()
  const answer = await world.browser.visit(path, { headers: { accept: 'application/json' } })
  return answer.status === 303 ? answer.headers.get('location') : reasonOf(answer)
}

describe('the documents of an issuer', () => {
  it('are fetched once for many logins', async () => {
    for (let i = 0; i < 5; i++) {
      world.browser.jar.clear()
      expect((await world.browser.signIn()).status).toBe(303)
    }
    expect(askedForKeys()).toBe(1)
  })

  it('are fetched anew for a key that was rotated in', async () => {
    await world.browser.signIn()
    world.wait(31)
    expect(await signInWith('provider-2', true)).toBe('https://shop.example.com/')
    expect(askedForKeys()).toBe(2)
  })

  it('are not fetched anew for each unknown key that somebody names', async () => {
    await world.browser.signIn()
    world.wait(31)
    for (let i = 0; i < 5; i++)
      expect(await signInWith(`made-up-${String(i)}`)).toBe('signature_refused')
    expect(askedForKeys()).toBe(2)
    world.wait(31)
    expect(await signInWith('made-up')).toBe('signature_refused')
    expect(askedForKeys()).toBe(3)
  })

  it('serve on, stale, while the provider is down', async () => {
    await world.browser.signIn()
    world.provider.instead.set('/jwks', () => new Response('down', { status: 500 }))
    world.wait(700)
    world.browser.jar.clear()
    expect((await world.browser.signIn()).status).toBe(303)
  })
})
