/**
 * What the tests in this folder share: a browser with a cookie jar in front of the Worker, and signing in.
 */
import { abortAllDurableObjects, reset } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { afterEach, beforeEach, expect, vi } from 'vitest'

import worker from '../../src/index.ts'
import type { Environment } from '../../src/platform/environment.ts'
import type { FakeProvider } from './fake-provider.ts'
import { Outside } from './outside.ts'

/** The outside and the log of the running test. */
export const world: { outside: Outside; log: Record<string, unknown>[] } = {
  outside: undefined as never,
  log: [],
}

/** Call once in a file: a fresh outside, fresh storage and a readable log for each test. */
export function eachTestHasItsWorld(): void {
  beforeEach(() => {
    world.outside = new Outside()
    playOutside(world.outside)
    world.log = []
    for (const level of ['info', 'warn', 'error'] as const) {
      vi.spyOn(console, level).mockImplementation((line: unknown) => {
        world.log.push(JSON.parse(String(line)) as Record<string, unknown>)
      })
    }
  })
  afterEach(async () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    // What goes on behind the last answer would bring back the object it speaks to, as it was.
    await scheduler.wait(20)
    await reset()
    await abortAllDurableObjects()
  })
}

/** The Worker and its objects share the tests' isolate, so the outside is played by taking the place of `fetch`. */
function playOutside(outside: Outside): void {
  vi.spyOn(globalThis, 'fetch').mockImplementation(async (input, init) => {
    const request = new Request(input, init)
    const answer = outside.answer(request)
    // A party that never answers is left when the caller gives up, as on the network.
    const aborted = new Promise<never>((_, reject) => {
      request.signal.addEventListener('abort', () =>
        reject(new DOMException('aborted', 'AbortError')),
      )
      init?.signal?.addEventListener('abort', () =>
        reject(new DOMException('aborted', 'AbortError')),
      )
    })
    return Promise.race([answer, aborted])
  })
}

/** Moves the clock by so many seconds; timers keep running. */
export function pass(seconds: number): void {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + seconds * 1000 })
}

/** The reason of the last denial in the log. */
export function deniedReason(): unknown {
  return world.log.findLast(({ event }) => event === 'request.denied')?.['reason']
}

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: BodyInit
  /** What the platform says of the connection. */
  readonly cf?: Readonly<Record<string, unknown>>
}

/** One browser: keeps cookies as a browser does, follows nothing. */
export class Browser {
  readonly cookies = new Map<string, string>()
  readonly host: string
  readonly #environment: Environment

  /** A fresh environment is a fresh isolate: nothing is cached from the test before. */
  constructor(host = 'shop.test', environment: Record<string, unknown> = {}) {
    this.host = host
    this.#environment = { ...env, ...environment } as unknown as Environment
  }

  async send(path: string, sent: Sent = {}): Promise<Response> {
    const headers = new Headers(sent.headers)
    if (!headers.has('cookie') && this.cookies.size > 0) {
      headers.set('cookie', [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; '))
    }
    const request = new Request(`https://${this.host}${path}`, {
      method: sent.method ?? 'GET',
      body: sent.body ?? null,
      headers,
      redirect: 'manual',
      ...(sent.cf === undefined ? {} : { cf: sent.cf }),
    })
    const response = await worker.fetch(request as never, this.#environment)
    this.#keep(response)
    return response
  }

  /** A navigation: the person typed an address or followed a link. */
  navigate(path: string, { headers, cf }: Pick<Sent, 'headers' | 'cf'> = {}): Promise<Response> {
    return this.send(path, {
      headers: { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', ...headers },
      ...(cf === undefined ? {} : { cf }),
    })
  }

  /** A post from the site's own page. */
  post(path: string, body?: BodyInit): Promise<Response> {
    return this.send(path, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin', origin: `https://${this.host}` },
      ...(body === undefined ? {} : { body }),
    })
  }

  /** Begins a login; gives the place at the provider. */
  async beginLogin(query = ''): Promise<string> {
    const response = await this.navigate(`/auth/login${query}`)
    expect(response.status).toBe(303)
    return response.headers.get('location') ?? ''
  }

  /** Signs in honestly. */
  async signIn(
    provider: FakeProvider = world.outside.main,
    query = '',
    sent: Pick<Sent, 'headers' | 'cf'> = {},
  ): Promise<Response> {
    const parameters = provider.authorize(await this.beginLogin(query))
    const response = await this.navigate(`/auth/callback?${parameters}`, sent)
    expect(response.status, JSON.stringify(world.log)).toBe(303)
    return response
  }

  /** The access cookie has run out in the browser. */
  forgetAccess(): void {
    for (const prefix of ['__Host-Http-', '__Host-'])
      this.cookies.delete(`${prefix}sallyport-access`)
  }

  /** The same cookies in another place. */
  copy(): Browser {
    const other = new Browser(this.host)
    for (const [name, value] of this.cookies) other.cookies.set(name, value)
    return other
  }

  #keep(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ')
      const name = pair.slice(0, pair.indexOf('='))
      if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
      else this.cookies.set(name, pair.slice(pair.indexOf('=') + 1))
    }
  }
}

/** The `reason` of a problem+json answer, with its status. */
export async function problem(response: Response): Promise<{ status: number; reason: unknown }> {
  expect(response.headers.get('content-type')).toBe('application/problem+json')
  const body = (await response.json()) as { reason: unknown }
  return { status: response.status, reason: body.reason }
}
