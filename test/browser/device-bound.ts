/**
 * A Chromium that keeps device-bound sessions with keys in software, which is a switch for tests. Not every version
 * does so on every system: each candidate is asked to register with a little server before it is believed.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { type BrowserContext, chromium } from 'playwright-core'

import { type Chromium, findChromium } from './chromium.ts'

// The first two names are of older and of newer versions; a version ignores what it does not know
const features = [
  'DeviceBoundSessions:ForceEnableForTesting/true/RequireOriginTrialTokens/false/RefreshQuota/false',
  'EnableBoundSessionCredentialsSoftwareKeysForManualTesting',
  'PersistDeviceBoundSessions',
]

/** With a profile of its own: such sessions are not kept in private windows. */
export async function launchDeviceBound(found: Chromium): Promise<BrowserContext> {
  const profile = await mkdtemp(join(tmpdir(), 'sallyport-profile-'))
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: found.executablePath,
    headless: true,
    args: [
      ...found.args,
      `--enable-features=${features.join(',')}`,
      '--disable-features=DeviceBoundSessionsRefreshQuota',
    ],
    env: { ...process.env, ...found.env },
  })
  context.on('close', () => void rm(profile, { recursive: true, force: true }).catch(() => {}))
  return context
}

/** The browser, or why there is none. */
export async function findDeviceBound(): Promise<Chromium | { readonly missing: string }> {
  const named = process.env['DEVICE_BOUND_CHROMIUM_PATH']
  const usual = await findChromium()
  if (named === undefined || named === '')
    return 'missing' in usual || (await registers(usual)) ? usual : notThisOne
  const candidate: Chromium = {
    executablePath: named,
    args: 'missing' in usual ? ['--no-sandbox'] : usual.args,
    env: {},
  }
  return (await registers(candidate)) ? candidate : notThisOne
}

const notThisOne = {
  missing:
    'the Chromium here registers no device-bound session with a key in software; ' +
    'set DEVICE_BOUND_CHROMIUM_PATH to one that does (150 does, 153 to 156 do not)',
}

async function registers(candidate: Chromium): Promise<boolean> {
  let registered = () => {}
  const registration = new Promise<boolean>((resolve) => {
    registered = () => resolve(true)
    setTimeout(() => resolve(false), 8000).unref()
  })
  const server = createServer((request, response) => {
    if (request.url === '/registration') registered()
    response.setHeader('secure-session-registration', '(ES256);path="/registration";challenge="c"')
    response.setHeader('content-type', 'text/html').end('<p>Here.</p>')
  })
  await new Promise<void>((resolve) => void server.listen(0, 'localhost', resolve))
  const context = await launchDeviceBound(candidate).catch(() => null)
  try {
    if (context === null) return false
    const { port } = server.address() as AddressInfo
    await (await context.newPage()).goto(`http://localhost:${String(port)}/`)
    return await registration
  } finally {
    await context?.close()
    server.close()
  }
}
