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
  ownPost,
  refusal,
  seesNobodyHere,
  seesSignInForm,
  seesWhoIsHere,
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
    // Here only: at the provider, signing out would end the token whether or not it was revoked
    expect((await call(page, '/auth/logout', ownPost)).status).toBe(200)

    const thief = await newPerson(browser())
    await thief.context().addCookies(kept.filter(({ name }) => name === cookieNames.refresh))
    await thief.goto(`${world().site}/`)
    await seesNobodyHere(thief)
    expect(await refusal(thief, '/api/me')).toEqual({ status: 401, reason: 'session_unknown' })
    await expect.poll(() => RefreshToken.find(token), { timeout: 10_000 }).toBeFalsy()
  })

  it('by a form of the page works without a script', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.evaluate(
      `document.body.innerHTML = '<form method="post" action="/auth/logout"><button>Out</button></form>'`,
    )
    await page.getByRole('button', { name: 'Out' }).click()
    await seesNobodyHere(page)
    expect(await ownCookies(page.context())).toEqual([])
  })

  it('is not undone by the back button', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    // Where the way back leads to: the page as it was with somebody signed in
    await page.goto(`${world().site}/?before`)
    await seesWhoIsHere(page, 'ada')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${world().site}/`)
    await page.goBack()

    expect(page.url()).toBe(`${world().site}/?before`)
    await seesNobodyHere(page)
    expect(await refusal(page, '/api/me')).toEqual({ status: 401, reason: 'session_missing' })
  })

  it('takes private pages away from the back button', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.goto(`${world().site}/private/page`)
    await seesWhoIsHere(page, 'ada')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForURL(`${world().site}/`)
    await page.goBack()

    expect(page.url()).not.toContain('/private/page')
  })
})

journey('A page of another origin', (browser) => {
  const world = aWorld()

  it.each([
    // Ports make no site: the cookies come along, and only the origin gives the page away
    [
      'the same site',
      'localhost',
      { '/auth/logout': 403, '/auth/refresh': 403, '/api/orders': 403 },
    ],
    // The browser keeps SameSite cookies at home, so that to the API nobody asks
    [
      'another site',
      '127.0.0.1',
      { '/auth/logout': 403, '/auth/refresh': 403, '/api/orders': 401 },
    ],
  ])('on %s (%s) cannot act for the person who is signed in', async (_, host, statuses) => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const address = await foreignPage(host, world().site, Object.keys(statuses))

    for (const [path, status] of Object.entries(statuses)) {
      await page.goto(address)
      const fetched = page.waitForResponse(world().site + path)
      await page.evaluate(
        `void fetch('${world().site + path}', { method: 'POST', mode: 'no-cors', credentials: 'include' })`,
      )
      expect((await fetched).status(), `fetch ${path}`).toBe(status)
      const submitted = page.waitForResponse(world().site + path)
      await page.getByRole('button', { name: path }).click()
      expect((await submitted).status(), `form ${path}`).toBe(status)
    }

    await page.goto(`${world().site}/`)
    expect((await me(page)).identity?.sub).toBe('ada')
    expect((await call(page, '/auth/logout', { method: 'POST' })).status).toBe(200)
  })

  it('learns nothing of who is signed in', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.goto(await foreignPage('localhost', world().site, []))

    for (const path of ['/auth/session', '/api/me']) {
      const read = page.evaluate(
        `fetch('${world().site + path}', { credentials: 'include' }).then((answer) => answer.text())`,
      )
      await expect(read).rejects.toThrow('Failed to fetch')
    }
  })
})

/** A page elsewhere with forms that post to the site. */
async function foreignPage(host: string, site: string, paths: readonly string[]): Promise<string> {
  const forms = paths.map(
    (path) => `<form method="post" action="${site}${path}"><button>${path}</button></form>`,
  )
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-type': 'text/html' })
    response.end(forms.join(''))
  })
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://${host}:${String((server.address() as AddressInfo).port)}/`
}
