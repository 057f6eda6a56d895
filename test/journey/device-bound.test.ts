import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest'

import { type Chromium, launchBrowser } from '../browser/chromium.ts'
import { findDeviceBound, launchDeviceBound } from '../browser/device-bound.ts'
import {
  call,
  callAtOnce,
  cookieNames,
  me,
  newPerson,
  outliveAccessCookie,
  ownCookies,
  refusal,
  seesNobodyHere,
  seesWhoIsHere,
  signIn,
} from './person.ts'
import { aWorld } from './world.ts'

// The browser's own side of it, in a real one. Few Chromiums do this without the hardware: where there is none the
// tests say so, also in CI, and the Worker's side stays tested in test/worker/.
describe('A session bound to its device', () => {
  const world = aWorld({ session: { device_bound: 'prefer' } })
  let found: Chromium | null = null
  let elsewhere: Browser | null = null
  let missing: string | null = null

  beforeAll(async () => {
    const browser = await findDeviceBound()
    if ('missing' in browser) missing = browser.missing
    else found = browser
    if (found !== null) elsewhere = await launchBrowser()
  })
  beforeEach((context) => {
    if (missing !== null) context.skip(missing)
  })
  afterAll(async () => {
    await elsewhere?.close()
  })

  /** Signed in, in a browser of its own, which has registered its key. */
  async function bound(): Promise<Page> {
    const context = await launchDeviceBound(found!)
    context.setDefaultTimeout(20_000)
    onTestFinished(() => context.close())
    const page = await context.newPage()
    await signInBound(page)
    return page
  }

  async function signInBound(page: Page): Promise<void> {
    const before = count('session.bound')
    await signIn(page, world().site, 'ada')
    await expect.poll(() => count('session.bound'), { timeout: 20_000 }).toBe(before + 1)
  }

  function count(event: string): number {
    return world().log.filter((line) => line.includes(`"event":"${event}"`)).length
  }

  /** The cookies of a browser, in another one. */
  async function thiefOf(page: Page): Promise<Page> {
    const thief = await newPerson(elsewhere!)
    await thief.context().addCookies(await page.context().cookies(world().site))
    await thief.goto(`${world().site}/style.css`)
    return thief
  }

  it('goes on by the proof of the browser’s key, before the request that needs it', async () => {
    const page = await bound()
    expect(JSON.parse((await call(page, '/auth/session')).text)).toMatchObject({
      device_bound: true,
    })
    for (let round = 0; round < 3; round++) {
      await outliveAccessCookie(page)
      expect((await me(page)).identity?.sub).toBe('ada')
    }
    const paths = Array.from({ length: 20 }, (_, i) => `/api/item/${String(i)}`)
    await outliveAccessCookie(page)
    const answers = await callAtOnce(page, paths)
    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200))
  })

  it('is of no use to a second browser with its cookies, once the access cookie has run out', async () => {
    const page = await bound()
    const thief = await thiefOf(page)
    expect((await me(thief)).identity?.sub).toBe('ada')
    await outliveAccessCookie(thief)
    expect(await ownCookies(thief.context())).toEqual([cookieNames.refresh])
    expect(await refusal(thief, '/api/me')).toEqual({ status: 401, reason: 'device_proof_missing' })
    const renewal = { method: 'POST', headers: { 'X-CSRF': '1' } }
    expect(await refusal(thief, '/auth/refresh', renewal)).toEqual({
      status: 401,
      reason: 'device_proof_missing',
    })
    // Its owner notices nothing
    await outliveAccessCookie(page)
    expect((await me(page)).identity?.sub).toBe('ada')
  })

  it('welcomes a person who follows a link from another site', async () => {
    const page = await bound()
    const link = `<a href="${world().site}/private/">There</a>`
    const other = createServer((_, response) => void response.end(link))
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    onTestFinished(() => void other.close())
    const logins = count('login.completed')
    const { port } = other.address() as AddressInfo
    await page.goto(`http://127.0.0.1:${String(port)}/`)
    await outliveAccessCookie(page)
    await page.setContent(link)
    await page.getByRole('link', { name: 'There' }).click()
    await page.waitForURL(`${world().site}/private/`)
    expect((await me(page)).identity?.sub).toBe('ada')
    // Without another sign-in
    expect(count('login.completed')).toBe(logins)
  })

  it('ends when the person signs out, and the next one has a key of its own', async () => {
    const page = await bound()
    const thief = await thiefOf(page)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => ownCookies(page.context()), { timeout: 20_000 }).toEqual([])
    // Signed out at the provider too, and back
    await seesNobodyHere(page)
    await expect
      .poll(async () => (await call(thief, '/api/me')).status, { timeout: 20_000 })
      .toBe(401)
    await signInBound(page)
    await outliveAccessCookie(page)
    await page.goto(`${world().site}/`)
    await seesWhoIsHere(page, 'ada')
  })
})
