import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { expect, it, onTestFinished } from 'vitest'

import { journey } from '../browser/journey.ts'
import {
  call,
  cookieNames,
  me,
  newPerson,
  ownCookies,
  refusal,
  seesNobodyHere,
  seesSignInForm,
  signIn,
} from './person.ts'
import { aWorld } from './world.ts'

journey('Signing out', (browser) => {
  const world = aWorld()

  it('ends the session here and at the provider, and takes the cookies away', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await seesNobodyHere(page)
    expect(page.url()).toBe(`${world().site}/`)
    expect(await ownCookies(page.context())).toEqual([])
    // The provider has forgotten the person too: it asks again.
    await page.getByRole('link', { name: 'Sign in' }).click()
    await seesSignInForm(page)
  })

  it('leaves copies of the refresh cookie worth nothing, and revokes the refresh token', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const kept = await page.context().cookies()
    const token = world().refreshTokens.at(-1) ?? ''
    const { RefreshToken } = world().provider.provider
    expect(await RefreshToken.find(token)).toBeTruthy()
    await page.getByRole('button', { name: 'Sign out' }).click()
    await seesNobodyHere(page)

    const thief = await newPerson(browser())
    await thief.context().addCookies(kept.filter(({ name }) => name === cookieNames.refresh))
    await thief.goto(`${world().site}/`)
    expect(await refusal(thief, '/api/me')).toEqual({ status: 401, reason: 'session_unknown' })
    await expect.poll(() => RefreshToken.find(token)).toBeFalsy()
  })

  it('is not undone by the back button', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await seesNobodyHere(page)
    await page.goBack()
    await page.goto(`${world().site}/`)
    await seesNobodyHere(page)
    expect(await refusal(page, '/api/me')).toEqual({ status: 401, reason: 'session_missing' })
  })
})

journey('A page of another origin', (browser) => {
  const world = aWorld()

  it.each(['localhost', '127.0.0.1'])(
    'on %s cannot act for the person who is signed in',
    async (host) => {
      const page = await newPerson(browser())
      await signIn(page, world().site, 'ada')
      const foreign = await foreignPage(host, world().site)
      await page.goto(foreign)
      for (const path of ['/auth/logout', '/api/orders', '/auth/refresh']) {
        const answer = page.waitForResponse((response) => response.url().endsWith(path))
        await page.evaluate(
          `fetch('${world().site}${path}', { method: 'POST', mode: 'no-cors', credentials: 'include' })
            .then(() => null, () => null)`,
        )
        expect([401, 403]).toContain((await answer).status())
      }
      const submitted = page.waitForResponse((response) => response.url().endsWith('/auth/logout'))
      await page.getByRole('button').click()
      expect((await submitted).status()).toBe(403)
      await page.goto(`${world().site}/`)
      expect((await me(page)).identity?.sub).toBe('ada')
      expect((await call(page, '/auth/logout', { method: 'POST' })).status).toBe(200)
    },
  )
})

/** A page elsewhere with a form that signs people out, if it is let. */
async function foreignPage(host: string, site: string): Promise<string> {
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(
      `<form method="post" action="${site}/auth/logout"><button>Win a prize</button></form>`,
    )
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://${host}:${String((server.address() as AddressInfo).port)}/`
}
