/**
 * A person without a browser: signs in by plain HTTP at the demo's provider, and keeps cookies.
 */

export class Person {
  /** Cookies by host and name; paths make no difference here. */
  readonly #jar = new Map<string, Map<string, string>>()
  readonly site: string
  readonly name: string

  constructor(site: string, name: string) {
    this.site = site
    this.name = name
  }

  /** Follows the login from a path of the site through the provider's form and back. */
  async signIn(path = '/auth/login'): Promise<void> {
    let url = this.site + path
    for (let hops = 0; hops < 12; hops++) {
      const isForm = new URL(url).pathname.startsWith('/sign-in/')
      const form = new URLSearchParams({ login: this.name, password: 'x' })
      const response = await this.send(url, isForm ? { method: 'POST', body: form } : {})
      await response.arrayBuffer()
      const location = response.headers.get('location')
      if (location === null) throw new Error(`${url} answered ${String(response.status)}`)
      url = new URL(location, url).href
      if (url.startsWith(`${this.site}/`) && !url.includes('/auth/')) return
    }
    throw new Error('the login goes round in circles')
  }

  /** With the cookies of that host. */
  async send(url: string, init: RequestInit = {}): Promise<Response> {
    const jar = this.#jar.get(new URL(url).host) ?? new Map<string, string>()
    this.#jar.set(new URL(url).host, jar)
    const headers = new Headers(init.headers)
    if (jar.size > 0) headers.set('cookie', this.cookieHeader(url))
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [pair = ''] = line.split(';')
      const name = pair.slice(0, pair.indexOf('='))
      if (/max-age=0|expires=thu, 01 jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return response
  }

  /** What the browser would send there. */
  cookieHeader(url: string): string {
    const jar = this.#jar.get(new URL(url).host) ?? new Map<string, string>()
    return [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** The access cookie has run out: the next call renews. */
  forgetAccess(): void {
    this.#jar.get(new URL(this.site).host)?.delete('__Host-Http-sallyport-access')
  }

  /** The status of a call of the API, or why not. */
  async call(path = '/api/me'): Promise<string> {
    const response = await this.send(this.site + path, {
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    const text = await response.text()
    if (response.status === 200) return '200'
    return /"reason":"(\w+)"/.exec(text)?.[1] ?? String(response.status)
  }

  /** Whether the answer says that the session has ended. The cookies stay in this jar: see whether they do anything. */
  async signOut(): Promise<boolean> {
    const kept = this.tab()
    const response = await kept.send(`${this.site}/auth/logout`, {
      method: 'POST',
      headers: { 'sec-fetch-site': 'same-origin' },
    })
    await response.arrayBuffer()
    return response.status === 200
  }

  /** Another tab: the same cookies, and what it is given is its own. */
  tab(): Person {
    const tab = new Person(this.site, this.name)
    for (const [host, jar] of this.#jar) tab.#jar.set(host, new Map(jar))
    return tab
  }

  /** What the browser is left with when this tab's answer came last. */
  adopt(tab: Person): void {
    for (const [host, jar] of tab.#jar) this.#jar.set(host, new Map(jar))
  }
}
