import { expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import {
  call,
  cookieNames,
  fillSignInForm,
  me,
  newPerson,
  ownCookies,
  seesSignInForm,
  seesWhoIsHere,
  signIn,
  refusal,
} from './person.ts'
import { aWorld } from './world.ts'

journey('Signing in', (browser) => {
  const world = aWorld()

  it('starts from the page, comes back to it and shows who is here', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    expect(page.url()).toBe(`${world().site}/`)

    await page.getByRole('button', { name: 'Call /api/me' }).click()
    await page.getByText('"sub": "ada"').waitFor()
  })

  it('shows the API a verified identity, and neither our cookies nor a word of the client', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const forged = { 'Sallyport-Assertion': 'forged', 'X-Forwarded-User': 'forged' }
    const answer = await call(page, '/api/me', { headers: forged })

    expect(JSON.parse(answer.text)).toMatchObject({ identity: { sub: 'ada', aud: 'demo-api' } })
    expect(answer.text).not.toContain('forged')
    expect(answer.text).not.toContain('__Host-')
    // The route takes tokens too: two credentials are one too many.
    const both = { headers: { Authorization: 'Bearer forged' } }
    expect(await refusal(page, '/api/me', both)).toEqual({
      status: 400,
      reason: 'credentials_several',
    })
  })

  it('leaves nothing for scripts to steal', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')

    expect(await page.evaluate('document.cookie')).toBe('')
    expect(await page.evaluate('localStorage.length + sessionStorage.length')).toBe(0)
    expect(await page.evaluate('indexedDB.databases()')).toEqual([])
    for (const path of ['/auth/session', '/api/me', '/']) {
      expect((await call(page, path)).text).not.toMatch(/eyJ[\w-]+\./)
    }
    expect(page.url()).not.toMatch(/code=|state=/)
  })

  it('sets cookies that no script, no other host and no plain connection gets', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const cookies = (await page.context().cookies()).filter(({ name }) =>
      name.includes('sallyport'),
    )

    expect(cookies.map(({ name }) => name).toSorted()).toEqual([
      cookieNames.access,
      cookieNames.refresh,
    ])
    for (const cookie of cookies) {
      expect(cookie).toMatchObject({
        domain: 'localhost',
        path: '/',
        httpOnly: true,
        secure: true,
        sameSite: 'Lax',
      })
    }
  })

  it('stands between a person and a private page, and brings them back to its very query', async () => {
    const page = await newPerson(browser())
    await page.goto(`${world().site}/private/page?x=1&y=%2F`)
    await seesSignInForm(page)
    await fillSignInForm(page, 'ada')

    await seesWhoIsHere(page, 'ada')
    expect(page.url()).toBe(`${world().site}/private/page?x=1&y=%2F`)
  })

  it('works in ten tabs that all open a private page at once', async () => {
    const first = await newPerson(browser())
    const more = Array.from({ length: 9 }, () => first.context().newPage())
    const tabs = [first, ...(await Promise.all(more))]
    const address = (tab: number) => `${world().site}/private/${String(tab)}`
    await Promise.all(tabs.map((tab, number) => tab.goto(address(number))))

    for (const tab of tabs) {
      await tab.bringToFront()
      await fillSignInForm(tab, 'ada')
      await seesWhoIsHere(tab, 'ada')
    }
    expect(tabs.map((tab) => tab.url())).toEqual(tabs.map((_, number) => address(number)))
    const seen = await Promise.all(tabs.map((tab) => me(tab)))
    expect(new Set(seen.map(({ identity }) => identity?.sub))).toEqual(new Set(['ada']))
  })

  it('works in ten tabs that come back from the provider at once', async () => {
    const first = await newPerson(browser())
    const more = Array.from({ length: 9 }, () => first.context().newPage())
    const tabs = [first, ...(await Promise.all(more))]
    await Promise.all(tabs.map((tab) => tab.goto(`${world().site}/private/`)))
    await fillSignInForm(first, 'ada')
    await seesWhoIsHere(first, 'ada')
    await first.context().clearCookies({ name: /sallyport/ })

    // The provider knows them by now: no tab is asked for anything
    await Promise.all(tabs.map((tab) => tab.goto(`${world().site}/private/`)))
    await Promise.all(tabs.map((tab) => seesWhoIsHere(tab, 'ada')))
    const seen = await Promise.all(tabs.map((tab) => me(tab)))
    expect(new Set(seen.map(({ identity }) => identity?.sub))).toEqual(new Set(['ada']))
  })

  it('is over once: opening the callback again just goes on to the page', async () => {
    const page = await newPerson(browser())
    const callback = page.waitForRequest((request) => request.url().includes('/auth/callback?'))
    await signIn(page, world().site, 'ada')
    const { identity } = await me(page)

    await page.goto((await callback).url())
    await seesWhoIsHere(page, 'ada')
    expect(page.url()).toBe(`${world().site}/`)
    expect((await me(page)).identity?.sid).toBe(identity?.sid)
  })

  it('is not undone by the back button', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const { identity } = await me(page)

    await page.goBack()
    await page.goForward()
    await page.goto(`${world().site}/`)
    await seesWhoIsHere(page, 'ada')
    expect((await me(page)).identity?.sid).toBe(identity?.sid)
  })

  it('as somebody else replaces the session that was there', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const before = await me(page)
    await page.goto(`${world().site}/auth/login?prompt=login`)
    await fillSignInForm(page, 'grace')
    await seesWhoIsHere(page, 'grace')

    const after = await me(page)
    expect(after.identity?.sub).toBe('grace')
    expect(after.identity?.sid).not.toBe(before.identity?.sid)
    expect(await ownCookies(page.context())).toHaveLength(2)
  })

  it('on one browser says nothing about another', async () => {
    const ada = await newPerson(browser())
    const grace = await newPerson(browser())
    await Promise.all([signIn(ada, world().site, 'ada'), signIn(grace, world().site, 'grace')])

    expect((await me(ada)).identity?.sub).toBe('ada')
    expect((await me(grace)).identity?.sub).toBe('grace')
  })

  it('cannot be finished in another browser than the one that began it', async () => {
    const ada = await newPerson(browser())
    const victim = await newPerson(browser())
    await ada.goto(`${world().site}/private/`)
    // Ada keeps the answer that is hers and has somebody else open it
    await ada.route('**/auth/callback?*', (route) => route.abort())
    const callback = ada.waitForRequest((request) => request.url().includes('/auth/callback?'))
    await fillSignInForm(ada, 'ada')
    const answer = await victim.goto((await callback).url())

    expect(answer?.status()).toBe(400)
    expect(await victim.textContent('body')).toContain('login_cookie_missing')
    expect(await ownCookies(victim.context())).toEqual([])
  })
})
