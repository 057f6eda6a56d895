import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import { machineToken } from './machine.ts'
import { me, newPerson, ownCookies, signIn } from './person.ts'
import { aWorld, type World } from './world.ts'

/** What the API says to somebody who took the cookies along. */
async function statusWith({ site }: World, cookie: string): Promise<unknown> {
  const response = await fetch(`${site}/api/me`, { headers: { cookie } })
  if (response.status === 200) return 200
  const { reason }: { reason?: unknown } = await response.json()
  return reason
}

journey('A person who signs out at the provider', (browser) => {
  const world = aWorld()

  it('is signed out here, in that browser alone, as soon as the provider says so', async () => {
    const [laptop, phone] = [await newPerson(browser()), await newPerson(browser())]
    for (const page of [laptop, phone]) await signIn(page, world().site, 'ada')
    const cookies = await laptop.context().cookies(world().site)
    const stolen = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    expect(await statusWith(world(), stolen)).toBe(200)

    await laptop.goto(`${world().provider.issuer}/session/end`)
    await laptop.getByText('You are signed out').waitFor()
    await expect
      .poll(() => statusWith(world(), stolen), { timeout: 15_000 })
      .toBe('session_revoked')
    expect((await me(phone)).identity?.sub).toBe('ada')
    expect(world().log.some((line) => line.includes('"event":"logout.by_provider"'))).toBe(true)
  })
})

journey('A copy of the cookies', (browser) => {
  const world = aWorld()

  it('is worth nothing once its owner has signed out', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    const cookies = await page.context().cookies(world().site)
    const stolen = cookies.map(({ name, value }) => `${name}=${value}`).join('; ')
    expect(await statusWith(world(), stolen)).toBe(200)
    await page.getByRole('button', { name: 'Sign out' }).click()
    await expect.poll(() => ownCookies(page.context()), { timeout: 20_000 }).toEqual([])
    await expect.poll(() => statusWith(world(), stolen)).toMatch(/session_(?:revoked|unknown)/)
  })
})

journey('A power cut', () => {
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

  it('right after a revocation was accepted does not undo it', async (context) => {
    context.skip(process.platform !== 'linux', 'the process to kill is found as on Linux')
    const operator = await machineToken(world(), 'sallyport-machine', '/auth/operator')
    const token = await machineToken(world(), 'opaque-machine')
    const call = async () =>
      (await fetch(`${world().site}/api/me`, { headers: { authorization: `Bearer ${token}` } }))
        .status
    for (let i = 0; i < 5; i++) {
      expect(await call()).toBe(200)
      const mark = { kind: 'client', issuer: world().provider.issuer, id: 'opaque-machine' }
      const change = (method: string) =>
        fetch(`${world().site}/auth/operator/marks`, {
          method,
          headers: { authorization: `Bearer ${operator}`, 'content-type': 'application/json' },
          body: JSON.stringify({ ...mark, before: 'forever', reason: 'stolen' }),
        })
      expect((await change('POST')).status).toBe(201)
      await world().killWorker()
      expect(await call()).toBe(401)
      expect((await change('DELETE')).status).toBe(204)
      await world().killWorker()
    }
  })
})
