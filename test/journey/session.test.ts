import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import { callAtOnce, me, newPerson, outliveAccessCookie, seesWhoIsHere, signIn } from './person.ts'
import { aWorld } from './world.ts'

journey('Staying signed in', (browser) => {
  const world = aWorld()

  it('outlives the access cookie, at the price of one refresh at the provider', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const before = world().provider.counts.refresh
    await outliveAccessCookie(page)

    expect((await me(page)).identity?.sub).toBe('ada')
    expect(world().provider.counts.refresh - before).toBe(1)
  })

  it('serves twenty calls at once on an access cookie that has run out with one refresh', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const before = world().provider.counts.refresh
    await outliveAccessCookie(page)
    const paths = Array.from({ length: 20 }, (_, i) => `/api/item/${String(i)}`)
    const answers = await callAtOnce(page, paths)

    expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200))
    expect(world().provider.counts.refresh - before).toBe(1)
    expect((await me(page)).identity?.sub).toBe('ada')
  })

  it('renews in every tab of a browser, again and again', async () => {
    const first = await newPerson(browser())
    await signIn(first, world().site, 'ada')
    const more = Array.from({ length: 4 }, () => first.context().newPage())
    const tabs = [first, ...(await Promise.all(more))]
    await Promise.all(tabs.map((tab) => tab.goto(`${world().site}/private/`)))
    for (let round = 0; round < 2; round++) {
      await outliveAccessCookie(first)
      const seen = await Promise.all(tabs.map((tab) => me(tab)))
      expect(seen.map(({ identity }) => identity?.sub)).toEqual(tabs.map(() => 'ada'))
    }
  })

  it('never sends the provider a refresh token twice', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    let refreshes = world().provider.counts.refresh
    for (let round = 0; round < 2; round++) {
      await outliveAccessCookie(page)
      const answers = await callAtOnce(page, ['/api/a', '/api/b', '/api/c'])
      // The provider detects reuse and ends the grant: a later round would be refused
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(world().provider.counts.refresh).toBe(++refreshes)
    }
    expect(new Set(world().refreshTokens).size).toBe(world().refreshTokens.length)
  })
})

journey('A restart of the Worker', (browser) => {
  let folder = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-state-'))
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))
  const world = aWorld({
    get persistTo() {
      return folder
    },
  })

  it('loses no session', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const before = await me(page)
    await world().restartWorker()
    await page.goto(`${world().site}/`)
    await seesWhoIsHere(page, 'ada')
    expect((await me(page)).identity?.sid).toBe(before.identity?.sid)
    await outliveAccessCookie(page)
    expect((await me(page)).identity?.sub).toBe('ada')
  })
})
