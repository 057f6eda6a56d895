/**
 * What a person does in a browser, and what a page of the site does for them.
 */
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { expect, onTestFinished } from 'vitest'

// Ends a hang; on a slow machine everything here takes far less
const patience = 20_000

/** A browser of their own, with no cookies, that ends with the test. */
export async function newPerson(browser: Browser): Promise<Page> {
  const context = await browser.newContext()
  context.setDefaultTimeout(patience)
  onTestFinished(() => context.close())
  return context.newPage()
}

/** Signs in from the demo's page, as a person does who is new there. */
export async function signIn(page: Page, site: string, name: string): Promise<void> {
  await page.goto(`${site}/`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await fillSignInForm(page, name)
  await seesWhoIsHere(page, name)
}

/** At the provider: any name and password will do. */
export async function fillSignInForm(page: Page, name: string): Promise<void> {
  await page.locator('input[name=login]').fill(name)
  await page.locator('input[name=password]').fill('secret')
  await page.getByRole('button', { name: 'Sign in' }).click()
}

export async function seesSignInForm(page: Page): Promise<void> {
  await page.locator('input[name=login]').waitFor()
}

export async function seesWhoIsHere(page: Page, name: string): Promise<void> {
  await page.getByText(`${name} (${name}@example.test)`).waitFor()
}

export async function seesNobodyHere(page: Page): Promise<void> {
  await page.getByText('Nobody is signed in.').waitFor()
}

export interface Answer {
  readonly status: number
  readonly text: string
}

/** A fetch by a script of the page. */
export async function call(page: Page, path: string, init: RequestInit = {}): Promise<Answer> {
  const [answer] = await callAtOnce(page, [path], init)
  return answer!
}

/** Fetches by a script of the page, none of which waits for another. */
export async function callAtOnce(
  page: Page,
  paths: readonly string[],
  init: RequestInit = {},
): Promise<readonly Answer[]> {
  return page.evaluate(
    (asked) =>
      Promise.all(
        asked.paths.map(async (path) => {
          const response = await fetch(path, asked.init)
          return { status: response.status, text: await response.text() }
        }),
      ),
    { paths: [...paths], init },
  )
}

/** What the demo's API answers: who it verified, and the headers that reached it. */
export interface Me {
  readonly identity: { readonly sub: string; readonly sid: string } | null
  readonly headers: Readonly<Record<string, string>>
}

/** Calls the API from the page, which must let it through. */
export async function me(page: Page): Promise<Me> {
  const { status, text } = await call(page, '/api/me')
  expect(status, text).toBe(200)
  return JSON.parse(text) as Me
}

/** Why a call of the page was refused. */
export async function refusal(page: Page, path: string, init: RequestInit = {}): Promise<unknown> {
  const { status, text } = await call(page, path, init)
  const { reason } = JSON.parse(text) as { readonly reason?: unknown }
  return { status, reason }
}

export const cookieNames = {
  access: '__Host-Http-sallyport-access',
  refresh: '__Host-Http-sallyport-refresh',
} as const

/** The names of our cookies that the browser holds. */
export async function ownCookies(context: BrowserContext): Promise<readonly string[]> {
  const cookies = await context.cookies()
  return cookies.map(({ name }) => name).filter((name) => name.includes('sallyport'))
}

/** Waits until the access cookie has run out and the browser has dropped it. */
export async function outliveAccessCookie(page: Page): Promise<void> {
  await expect
    .poll(() => ownCookies(page.context()), { timeout: patience, interval: 100 })
    .not.toContainEqual(expect.stringMatching(/-access$/))
}

/** What the demo's buttons do with a POST. */
export const ownPost: RequestInit = { method: 'POST', headers: { 'X-CSRF': '1' } }
