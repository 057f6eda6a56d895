import { type Browser } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe } from 'vitest'

import { findChromium, launchBrowser } from './chromium.ts'

/**
 * A `describe` whose tests share one browser. Without a browser its tests are skipped and say why;
 * in CI, where nobody reads that, they fail.
 */
export function journey(name: string, body: (browser: () => Browser) => void): void {
  describe(name, () => {
    let browser: Browser | null = null
    let missing: string | null = null

    beforeAll(async () => {
      const found = await findChromium()
      if ('missing' in found) missing = found.missing
      else browser = await launchBrowser(found)
    })

    beforeEach((context) => {
      if (missing === null) return
      const why = `no browser for the journeys: ${missing}`
      if (process.env['CI'] === 'true') throw new Error(why)
      context.skip(why)
    })

    afterAll(async () => {
      await browser?.close()
    })

    body(() => {
      if (browser === null) throw new Error('The browser is there only while a test runs')
      return browser
    })
  })
}
