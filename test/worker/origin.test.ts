/** What origins import, inside workerd, against what the Worker really forwards and publishes. */
import { expect, it } from 'vitest'

import { createAssertionVerifier } from '../../src/origin/verifier.ts'
import { Browser, eachTestHasItsWorld, pass, world } from './world.ts'

eachTestHasItsWorld()

it('a Worker behind the Worker verifies what is forwarded to it', async () => {
  const browser = new Browser()
  await browser.signIn()
  await browser.send('/api/me')
  const forwarded = world.outside.last
  const asked: string[] = []
  const options = {
    site: 'https://shop.test',
    fetch: (url: string, init: RequestInit) => {
      asked.push(url)
      return browser.send(new URL(url).pathname, {
        headers: Object.fromEntries(new Headers(init.headers)),
      })
    },
  }
  const verifier = createAssertionVerifier({ ...options, audience: 'shop-api' })
  const verified = await verifier.verifyRequest(forwarded.headers)
  expect(verified).toMatchObject({
    ok: true,
    value: { subject: 'ada', identityProvider: 'https://id.test', caller: 'session' },
  })
  expect(await verifier.verifyRequest(forwarded.headers)).toMatchObject({ ok: true })
  expect(asked).toEqual(['https://shop.test/.well-known/jwks.json'])

  const other = createAssertionVerifier({ ...options, audience: 'orders' })
  expect(await other.verifyRequest(forwarded.headers)).toMatchObject({
    refusal: { check: 'audience' },
  })
  pass(110)
  await browser.send('/api/me')
  expect(await verifier.verifyRequest(world.outside.last.headers)).toMatchObject({ ok: true })
  pass(250)
  expect(await verifier.verifyRequest(forwarded.headers)).toMatchObject({
    refusal: { check: 'expired' },
  })
})
