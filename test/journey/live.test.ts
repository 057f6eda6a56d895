import type { Page } from 'playwright-core'
import { expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import { newPerson, seesNobodyHere, signIn } from './person.ts'
import { aWorld } from './world.ts'

const click = (page: Page, name: string) => page.getByRole('button', { name, exact: true }).click()
const shows = (page: Page, panel: string, text: string | RegExp) =>
  page.getByLabel(panel, { exact: true }).filter({ hasText: text }).waitFor()

journey('What stays open, and what is large', (browser) => {
  const world = aWorld()

  it('goes through the gate with the session, and is shown on the page', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')

    await click(page, 'Listen')
    await shows(page, 'Events', /event 1,.*\nevent 2,/)
    await click(page, 'Stop')
    await shows(page, 'Events', /Stopped\.$/)

    await click(page, 'Connect')
    await shows(page, 'Messages', 'You are ada.')
    await page.getByLabel('Something to say').fill('hello')
    await click(page, 'Send')
    await shows(page, 'Messages', 'ada said: hello')
    await click(page, 'Close')
    await shows(page, 'Messages', /Closed\.$/)

    await click(page, 'Send 20 MB of noise')
    await shows(page, 'Upload', '20971520 bytes arrived.')
    await shows(page, 'Upload', 'the same as here')
    await page.getByLabel('Choose a file').setInputFiles({
      name: 'note.txt',
      mimeType: 'text/plain',
      buffer: Buffer.from('a note'),
    })
    await shows(page, 'Upload', '6 bytes arrived.')
  })

  it('ends on every page of the browser when the person signs out on one', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await click(page, 'Listen')
    await shows(page, 'Events', 'event 1')
    await click(page, 'Connect')
    await shows(page, 'Messages', 'You are ada.')

    const other = await page.context().newPage()
    await other.goto(`${world().site}/`)
    await click(other, 'Sign out')
    await seesNobodyHere(other)

    await shows(page, 'Messages', 'Ended: nobody is signed in.')
    await shows(page, 'Events', 'Ended: nobody is signed in.')
  })

  it('is refused, and says so, where nobody is signed in', async () => {
    const page = await newPerson(browser())
    await page.goto(`${world().site}/`)
    await seesNobodyHere(page)
    await click(page, 'Listen')
    await shows(page, 'Events', 'Ended: nobody is signed in.')
    await click(page, 'Connect')
    await shows(page, 'Messages', 'Ended: nobody is signed in.')
    await click(page, 'Send 20 MB of noise')
    await shows(page, 'Upload', /401|did not arrive/)
    expect(await page.getByLabel('Upload', { exact: true }).textContent()).not.toContain('arrived.')
  })
})
