import { expect, it } from 'vitest'

import {
  formatRefreshCookie,
  isAuthentic,
  parseRefreshCookie,
} from '../../../src/session/refresh-cookie.ts'

const key = new Uint8Array(32).fill(7)
const id = 'ses_AAAAAAAAAAAAAAAAAAAAAA'

it('reads back what it wrote', async () => {
  const text = await formatRefreshCookie(id, 12, key)
  const cookie = parseRefreshCookie(text)
  expect(cookie).toMatchObject({ sessionId: id, number: 12 })
  expect(await isAuthentic(cookie!, key)).toBe(true)
})

it('takes a session id for no proof of anything', async () => {
  const honest = await formatRefreshCookie(id, 0, key)
  expect(await isAuthentic(parseRefreshCookie(honest)!, key)).toBe(true)
  // Whoever reads an assertion knows the id; with it alone nothing can be made that holds
  const mac = honest.split('.')[2]!
  expect(await isAuthentic(parseRefreshCookie(`${id}.0.${'A'.repeat(43)}`)!, key)).toBe(false)
  expect(await isAuthentic(parseRefreshCookie(`${id}.1.${mac}`)!, key)).toBe(false)
  const other = id.replace('AAA', 'BBB')
  expect(await isAuthentic(parseRefreshCookie(`${other}.0.${mac}`)!, key)).toBe(false)
  expect(await isAuthentic(parseRefreshCookie(honest)!, new Uint8Array(32).fill(8))).toBe(false)
})

it('reads one spelling only', async () => {
  const honest = await formatRefreshCookie(id, 0, key)
  const [, , mac] = honest.split('.')
  expect(parseRefreshCookie(honest)).toBeDefined()
  const wrong = [
    '',
    id,
    `${id}.0`,
    `${id}.00.${mac!}`,
    `${id}.-1.${mac!}`,
    `${id}.1e3.${mac!}`,
    `${id}.1234567890.${mac!}`,
    `${id}..${mac!}`,
    `${honest}.`,
    `${honest}\n`,
    ` ${honest}`,
    `${honest}=`,
    honest.replace('ses_', 'key_'),
    honest.slice(0, -1),
  ]
  for (const text of wrong) expect(parseRefreshCookie(text), text).toBeUndefined()
})
