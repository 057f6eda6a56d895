/**
 * What must hold behind any proxy that asks `/auth/verify`, seen from a browser in front of it and from the application
 * behind it.
 */
import { connect } from 'node:net'

import { decodeJwt } from 'jose'

import { Person } from '../../bench/person.ts'
import type { ProxyKind } from '../../src/config/proxy.ts'
import { type Arrived, type ForwardAuthWorld, openWorld } from './forward-auth-world.ts'
import { find, type Program, startListening } from './program.ts'

type Check = (world: ForwardAuthWorld) => Promise<string | undefined>

/** Runs the checks behind a real proxy, or says that it is not here and how to have it. */
export async function checkBehind(
  kind: ProxyKind,
  { command, how }: { readonly command: string; readonly how: string },
  configure: (world: ForwardAuthWorld) => Omit<Program, 'command'>,
): Promise<boolean> {
  if (find(command) === undefined) {
    console.log(`skipped: no ${kind} (${how})`)
    return true
  }
  const world = await openWorld(kind)
  try {
    const proxy = await startListening({ command, ...configure(world) }, world.proxyPort)
    try {
      return await checkForwardAuth(world)
    } finally {
      await proxy.close()
    }
  } finally {
    await world.close()
  }
}

/** Runs all checks; prints each. True where all hold. */
async function checkForwardAuth(world: ForwardAuthWorld): Promise<boolean> {
  let failed = 0
  for (const [sentence, check] of Object.entries(checks)) {
    const wrong = await check(world).catch((error: unknown) => String(error))
    if (wrong !== undefined) failed++
    console.log(
      wrong === undefined ? `ok      ${sentence}` : `FAILED  ${sentence}\n        ${wrong}`,
    )
  }
  console.log(`\n${Object.keys(checks).length - failed} hold, ${failed} failed`)
  return failed === 0
}

const checks: Readonly<Record<string, Check>> = {
  'a public path passes, without an identity': async (world) => {
    const headers = { authorization: 'Bearer forged' }
    const { status, arrived } = await ask(world, 'GET', '/public/x?a=1', headers)
    return expectAll([
      ['authorization', arrived?.headers.authorization, undefined],
      ['status', status, 200],
      ['address', arrived?.url, '/public/x?a=1'],
      ['subject', arrived?.headers['sallyport-subject'], undefined],
      ['assertion', arrived?.headers['sallyport-assertion'], undefined],
    ])
  },

  'a fetch without a session gets 401, and the application nothing': async (world) => {
    const { status, arrived } = await ask(world, 'GET', '/private/x')
    return expectAll([
      ['status', status, 401],
      ['arrived', arrived?.url, undefined],
    ])
  },

  'a navigation without a session is sent to sign in and back': async (world) => {
    const headers = { accept: 'text/html', 'sec-fetch-mode': 'navigate' }
    const { status, text } = await ask(world, 'GET', '/private/x?a=1', headers)
    const login = `${world.site}/auth/login?return_to=%2Fprivate%2Fx%3Fa%3D1`
    return expectAll([
      ['status', status, 303],
      ['location', /^location: (.*)\r$/im.exec(text)?.[1], login],
    ])
  },

  'who is signed in passes with an identity, and keeps the cookies to themselves': async (
    world,
  ) => {
    const ada = await signedIn(world, 'ada')
    const cookie = `${ada.cookieHeader(world.site)}; theme=dark`
    const { status, arrived } = await ask(world, 'GET', '/private/x', { cookie })
    return expectAll([
      ['status', status, 200],
      ['subject', arrived?.headers['sallyport-subject'], 'ada'],
      ['caller', audienceIn(arrived), 'shop-app'],
      ['cookie', arrived?.headers.cookie, 'theme=dark'],
      ['secret', arrived?.headers['sallyport-proxy-secret'], undefined],
    ])
  },

  'whom the rule does not let in gets 403': async (world) => {
    const ada = await signedIn(world, 'ada')
    const count = world.arrived.length
    const response = await ada.send(`${world.site}/admins/x`)
    return expectAll([
      ['status', response.status, 403],
      ['arrived', world.arrived.length, count],
    ])
  },

  'an identity that a client sends never arrives, in any spelling': async (world) => {
    const ada = await signedIn(world, 'ada')
    for (const name of ['Sallyport-Subject', 'Sallyport_Subject', 'X-Sallyport-Subject'])
      for (const path of ['/public/x', '/private/x']) {
        const count = world.arrived.length
        await ada.send(world.site + path, { headers: { [name]: 'root' } })
        const [arrived] = world.arrived.slice(count)
        if (JSON.stringify(arrived?.headers ?? {}).includes('root')) return `${name} on ${path}`
      }
    return undefined
  },

  'a client cannot say which request is judged': async (world) => {
    const forged = [
      { 'x-original-url': `${world.site}/public/x` },
      { 'x-forwarded-uri': '/public/x' },
      { 'x-forwarded-uri': '/public/x', 'x-forwarded-method': 'GET', 'x-forwarded-host': 'x' },
      { 'x-original-uri': '/public/x' },
      { 'x-rewrite-url': '/public/x' },
      { connection: 'close, X-Original-URL, X-Forwarded-Uri' },
    ]
    for (const headers of forged) {
      const { status, arrived } = await ask(world, 'GET', '/private/x', headers)
      if (status !== 401 || arrived !== undefined) return `${JSON.stringify(headers)}: ${status}`
    }
    return undefined
  },

  'no other host and no absolute address leads to another rule': async (world) => {
    const elsewhere = await ask(world, 'GET', '/private/x', { host: 'other.example' })
    const absolute = await ask(world, 'GET', `${world.site}/private/x`)
    return expectAll([
      ['another host', elsewhere.arrived?.url, undefined],
      ['absolute', absolute.status, 401],
      ['absolute arrived', absolute.arrived?.url, undefined],
    ])
  },

  'no way of writing a path leads around its rule': async (world) => {
    for (const path of tricks) {
      const { status, arrived } = await ask(world, 'GET', path)
      // What arrives must be public, however an application reads it.
      if (status === 200 || arrived !== undefined) return `${path}: ${status}, ${arrived?.url}`
    }
    const honest = await ask(world, 'GET', '/public/caf%C3%A9%20x')
    return expectAll([
      ['honest', honest.status, 200],
      ['arrived', honest.arrived?.url, '/public/caf%C3%A9%20x'],
    ])
  },

  'nobody but the proxy asks': async (world) => {
    const headers = { 'x-original-url': `${world.site}/public/x`, 'x-original-method': 'GET' }
    const through = await ask(world, 'GET', '/auth/verify', headers)
    const past = await fetch(`http://localhost:${world.workerPort}/auth/verify`, {
      headers: { ...headers, 'sallyport-proxy-secret': 'x'.repeat(43) },
    })
    return expectAll([
      ['through', through.status, 404],
      ['past', past.status === 404 || past.status === 421, true],
    ])
  },

  'a page of another site cannot post, nor open a socket, on a session': async (world) => {
    const ada = await signedIn(world, 'ada')
    const url = `${world.site}/private/x`
    const post = (headers: Record<string, string>) =>
      ada.send(url, { method: 'POST', body: 'a=1', headers })
    const own = await post({ origin: world.site, 'sec-fetch-site': 'same-origin' })
    const body = world.arrived.at(-1)?.body
    const foreign = await post({ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' })
    const ownSocket = await handshake(world, ada.cookieHeader(url), world.site)
    const count = world.arrived.length
    const socket = await handshake(world, ada.cookieHeader(url), 'https://evil.example')
    return expectAll([
      ['own', own.status, 200],
      ['body', body, 'a=1'],
      ['foreign', foreign.status, 403],
      ['own socket', ownSocket, 200],
      ['socket', socket, 403],
      ['arrived', world.arrived.length, count],
    ])
  },

  'a session is renewed on the way, and stays': async (world) => {
    const ada = await signedIn(world, 'ada')
    const before = world.provider.counts.refresh
    const url = `${world.site}/private/x`
    const seen = new Set<string>()
    // Beyond the access cookie's life, and each time beyond the grace of the cookie before.
    for (let i = 0; i < 4; i++) {
      await new Promise((resolve) => setTimeout(resolve, 2500))
      const response = await ada.send(url)
      if (response.status !== 200) return `round ${i}: ${response.status}`
      seen.add(ada.cookieHeader(url))
      if (response.headers.getSetCookie().length !== 2)
        return `round ${i}: ${JSON.stringify(response.headers.getSetCookie())}`
      const caching = response.headers.get('cache-control') ?? ''
      if (!caching.includes('no-store')) return `cached: ${caching}`
    }
    return expectAll([
      ['cookies', seen.size, 4],
      ['refreshes', world.provider.counts.refresh - before <= 4, true],
    ])
  },

  // The last: after it there is nobody to ask.
  'nothing passes while Sallyport does not answer': async (world) => {
    await world.stopWorker()
    for (const path of ['/public/x', '/private/x']) {
      const { status, arrived } = await ask(world, 'GET', path)
      if (status < 500 || arrived !== undefined) return `${path}: ${status}`
    }
    return undefined
  },
}

const tricks = [
  '//private/x',
  '/public//private/x',
  '/public/../private/x',
  '/public/./../private/x',
  '/public/%2e%2e/private/x',
  '/public/..%2fprivate/x',
  '/public%2f..%2fprivate/x',
  '/public/%2e%2e%2fprivate/x',
  '/%70rivate/x',
  '/private%2fx',
  '/private/x/..%2f..%2fpublic',
  '/public/..;/private/x',
  '/public/%252e%252e/private/x',
  '/public/..%5cprivate/x',
  '/public/x%00',
  '/public/x%0aX',
  '/PRIVATE/x',
  '/private/x#/public/x',
  '/private/x?/../public/x',
]

async function signedIn({ site }: ForwardAuthWorld, name: string): Promise<Person> {
  const person = new Person(site, name)
  await person.signIn()
  return person
}

interface Asked {
  readonly status: number
  /** The answer, as it came. */
  readonly text: string
  /** What the application got of it. */
  readonly arrived: Arrived | undefined
}

/** A request whose bytes are written as they are here: no client tidies the path. */
async function ask(
  { proxyPort, arrived }: ForwardAuthWorld,
  method: string,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<Asked> {
  const count = arrived.length
  const all = { host: `localhost:${proxyPort}`, connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  const text = await exchange(proxyPort, [`${method} ${target} HTTP/1.1`, ...lines, '', ''])
  return { status: statusIn(text), text, arrived: arrived[count] }
}

async function handshake(
  { proxyPort }: ForwardAuthWorld,
  cookie: string,
  origin: string,
): Promise<number> {
  const lines = [
    'GET /private/socket HTTP/1.1',
    `host: localhost:${proxyPort}`,
    'connection: Upgrade',
    'upgrade: websocket',
    'sec-websocket-version: 13',
    'sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==',
    `origin: ${origin}`,
    `cookie: ${cookie}`,
  ]
  return statusIn(await exchange(proxyPort, [...lines, '', '']))
}

function exchange(port: number, lines: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(lines.join('\r\n')))
    let text = ''
    socket.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      // A connection that stays open has said its status by then.
      if (text.includes('\r\n\r\n')) socket.end()
    })
    socket.on('close', () => resolve(text))
    socket.on('error', reject)
  })
}

function statusIn(text: string): number {
  return Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0)
}

function audienceIn(arrived: Arrived | undefined): unknown {
  const assertion = arrived?.headers['sallyport-assertion']
  return typeof assertion === 'string' ? decodeJwt(assertion).aud : undefined
}

type Expected = readonly [what: string, seen: unknown, wanted: unknown]

function expectAll(all: readonly Expected[]): string | undefined {
  const wrong = all.filter(([, seen, wanted]) => seen !== wanted)
  if (wrong.length === 0) return undefined
  return wrong
    .map(([what, seen, wanted]) => `${what}: ${String(seen)}, wanted ${String(wanted)}`)
    .join('; ')
}
