import { expect, it } from 'vitest'

import { browserOf } from '../../../src/session/browser.ts'

const mozilla = 'Mozilla/5.0'
const webkit = 'AppleWebKit/537.36 (KHTML, like Gecko)'

it.each([
  [
    `${mozilla} (Windows NT 10.0; Win64; x64) ${webkit} Chrome/150.0 Safari/537.36`,
    'Chrome on Windows',
  ],
  [
    `${mozilla} (Windows NT 10.0) ${webkit} Chrome/150.0 Safari/537.36 Edg/150.0`,
    'Edge on Windows',
  ],
  [`${mozilla} (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0`, 'Firefox on Linux'],
  [
    `${mozilla} (Macintosh; Intel Mac OS X 10_15) ${webkit} Version/18 Safari/605`,
    'Safari on macOS',
  ],
  [`${mozilla} (iPhone; CPU iPhone OS 18 like Mac OS X) ${webkit} CriOS/150.0`, 'Chrome on iPhone'],
  [`${mozilla} (Linux; Android 15; Pixel) ${webkit} Chrome/150.0 Mobile`, 'Chrome on Android'],
  ['something on Windows', 'A browser on Windows'],
  ['curl/8.0', 'Unknown browser'],
  ['<script>alert(1)</script>', 'Unknown browser'],
  [null, 'Unknown browser'],
])('knows a browser by what it says of itself: %s', (userAgent, name) => {
  expect(browserOf(userAgent)).toBe(name)
})
