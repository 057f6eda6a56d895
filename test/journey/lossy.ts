/**
 * Browsers without a screen, each with a jar that its tabs share, on a network that loses answers. What the network lost
 * the browser never sees; whoever watches the network does.
 */
import { expect } from 'vitest'

import { cookieNames } from './person.ts'

/** A request and its answer, as the network saw them. */
export interface Exchange {
  /** The number of the refresh cookie that went along. */
  readonly number: number | undefined
  readonly hadAccess: boolean
  readonly status: number
  /** Why it was refused. */
  readonly reason: string | undefined
  /** The number of the refresh cookie that came back. */
  readonly handedOut: number | undefined
  readonly isLost: boolean
}

/** Loses every third answer, when the Worker has done its work; the others it delivers sooner or later. */
export class LossyNetwork {
  answers = 0
  lost = 0
  readonly #chance: () => number

  /** `chance`: numbers from 0 to 1. */
  constructor(chance: () => number) {
    this.#chance = chance
  }

  /** Whether the answer arrives. */
  async delivers(): Promise<boolean> {
    this.answers += 1
    const isLost = this.answers % 3 === 0
    if (isLost) this.lost += 1
    else await pause(this.#chance() * 80)
    return !isLost
  }
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}

interface Cookie {
  readonly value: string
  /** Milliseconds since 1970. */
  readonly until: number
}

type Jar = Map<string, Cookie>

export class ScreenlessBrowser {
  readonly #jars = new Map<string, Jar>()
  readonly #site: string
  readonly #network: LossyNetwork

  constructor(site: string, network: LossyNetwork) {
    this.#site = site
    this.#network = network
  }

  /** Without losses: through the provider's form and back. */
  async signIn(name: string): Promise<void> {
    let url = `${this.#site}/auth/login`
    for (let hops = 0; hops < 12; hops++) {
      const isForm = new URL(url).pathname.startsWith('/sign-in/')
      const form = new URLSearchParams({ login: name, password: 'secret' })
      const { response } = await this.#send(url, isForm ? { method: 'POST', body: form } : {})
      this.#keep(url, response)
      const location = response.headers.get('location')
      expect(location, `${url} answered ${String(response.status)}`).not.toBeNull()
      url = new URL(location ?? '', url).href
      if (url === `${this.#site}/`) return
    }
    throw new Error('the login goes round in circles')
  }

  /** A request of one tab, with what the jar holds at that moment. */
  async request(path: string, method: string): Promise<Exchange> {
    const url = this.#site + path
    const { response, sent } = await this.#send(url, {
      method,
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    const text = await response.text()
    const isLost = !(await this.#network.delivers())
    if (!isLost) this.#keep(url, response)
    return {
      number: numberIn(sent.get(cookieNames.refresh)?.value),
      hadAccess: sent.has(cookieNames.access),
      status: response.status,
      reason: /"reason":"(\w+)"/.exec(text)?.[1],
      handedOut: numberIn(setBy(response).get(cookieNames.refresh)?.value),
      isLost,
    }
  }

  /** Who has all its cookies of the site. */
  copy(): ScreenlessBrowser {
    const thief = new ScreenlessBrowser(this.#site, this.#network)
    const host = new URL(this.#site).host
    thief.#jars.set(host, new Map(this.#jarOf(this.#site)))
    return thief
  }

  get sessionId(): string {
    return this.#jarOf(this.#site).get(cookieNames.refresh)?.value.split('.')[0] ?? ''
  }

  async #send(url: string, init: RequestInit): Promise<{ response: Response; sent: Jar }> {
    const live = [...this.#jarOf(url)].filter(([, { until }]) => Date.now() < until)
    const headers = new Headers(init.headers)
    headers.set('cookie', live.map(([name, { value }]) => `${name}=${value}`).join('; '))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    return { response, sent: new Map(live) }
  }

  #jarOf(url: string): Jar {
    const { host } = new URL(url)
    const jar = this.#jars.get(host) ?? new Map<string, Cookie>()
    this.#jars.set(host, jar)
    return jar
  }

  #keep(url: string, response: Response): void {
    const jar = this.#jarOf(url)
    for (const [name, cookie] of setBy(response)) jar.set(name, cookie)
  }
}

/** A cookie that is deleted is one whose time is over. */
function setBy(response: Response): Jar {
  return new Map(
    response.headers.getSetCookie().map((line) => {
      const [pair = '', ...attributes] = line.split(/; */)
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      return [name, { value, until: endOf(attributes) }]
    }),
  )
}

function endOf(attributes: readonly string[]): number {
  for (const attribute of attributes) {
    const seconds = /^max-age=(-?\d+)$/i.exec(attribute)?.[1]
    if (seconds !== undefined) return Date.now() + Number(seconds) * 1000
  }
  const [date] = attributes.flatMap((one) => /^expires=(.*)$/i.exec(one)?.[1] ?? [])
  return date === undefined ? Infinity : Date.parse(date)
}

function numberIn(refreshCookie: string | undefined): number | undefined {
  const number = refreshCookie?.split('.')[1]
  return number === undefined ? undefined : Number(number)
}
