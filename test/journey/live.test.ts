import type { Locator, Page } from 'playwright-core'
import { expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import { newPerson, seesNobodyHere, signIn } from './person.ts'
import { aWorld } from './world.ts'

const panel = (page: Page, name: string): Locator => page.getByRole('region', { name, exact: true })

const click = (within: Page | Locator, name: string) =>
  within.getByRole('button', { name, exact: true }).click()

const says = (within: Locator, text: string | RegExp) =>
  within.getByRole('status').filter({ hasText: text }).waitFor()

const lists = (within: Locator, text: string | RegExp) =>
  within.getByRole('listitem').filter({ hasText: text }).first().waitFor()

async function openBoth(page: Page): Promise<{ live: Locator; socket: Locator }> {
  const [live, socket] = [panel(page, 'Live'), panel(page, 'Socket')]
  await click(live, 'Start the stream')
  await lists(live, /#1.* for ada/)
  await click(socket, 'Connect')
  await says(socket, 'Open; the API knows you as ada')
  return { live, socket }
}

journey('What stays open, and what is large', (browser) => {
  const world = aWorld()

  it('goes through the gate with the session, and is shown on the page', async () => {
    const page = await newPerson(browser())
    const objections: string[] = []
    // Of the browser to our pages: what their policy holds back, what is missing
    page.on('console', (message) => {
      if (message.type() === 'error' && message.location().url.startsWith(world().site))
        objections.push(message.text())
    })
    await signIn(page, world().site, 'ada')

    const { live, socket } = await openBoth(page)
    await lists(live, /#3.* for ada/)
    await click(live, 'Stop')
    await says(live, 'Stopped')

    await socket.getByLabel('A line to send').fill('hello <b>there</b>')
    await click(socket, 'Send')
    await lists(socket, 'adahello <b>there</b>')
    await click(socket, 'Close')
    await says(socket, 'Closed')

    const upload = panel(page, 'Upload')
    await click(upload, 'Send 5 MB of random bytes')
    await says(upload, '5.0 MB from ada arrived whole: the hashes are equal')
    await upload.getByLabel('Choose a file').setInputFiles({
      name: 'note.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('a note'),
    })
    await says(upload, '6 bytes from ada arrived whole: the hashes are equal')
    expect(await upload.getByRole('definition').allTextContents()).toEqual([noteHash, noteHash])
    expect(objections).toEqual([])
  })

  it('ends on every page of the browser when the person signs out on one', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const { live, socket } = await openBoth(page)

    const other = await page.context().newPage()
    await other.goto(`${world().site}/`)
    await click(other, 'Sign out')
    await seesNobodyHere(other)

    await says(socket, 'Ended: signed out')
    await says(live, 'Ended: signed out')
    // The rest of the page has seen it too.
    await seesNobodyHere(page)
    await live.getByText('Sign in to read it.').waitFor()
  })

  it('says what it needs where nobody is signed in, and has no control that would fail', async () => {
    const page = await newPerson(browser())
    await page.goto(`${world().site}/`)
    await seesNobodyHere(page)
    for (const [name, needs] of [
      ['Live', 'Sign in to read it.'],
      ['Socket', 'Sign in to connect.'],
      ['Upload', 'Sign in to send something.'],
    ] as const) {
      await panel(page, name).getByText(needs).waitFor()
      expect(await panel(page, name).getByRole('button').count(), name).toBe(0)
    }
  })

  it('is refused to a page whose person has signed out meanwhile, which says so', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await page.context().clearCookies()
    await click(panel(page, 'Upload'), 'Send 5 MB of random bytes')
    await says(panel(page, 'Upload'), 'Ended: signed out')

    await signIn(page, world().site, 'ada')
    await page.context().clearCookies()
    await click(panel(page, 'Socket'), 'Connect')
    await says(panel(page, 'Socket'), 'Ended: signed out')
  })
})

const noteHash = 'f63e34a034f19a24438f2d74b242bc96682abd843ecc4ea63fefed4006d860a3'
