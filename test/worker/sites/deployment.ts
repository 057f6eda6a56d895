/**
 * One deployment with six sites, and browsers in front of it. How a request gets to the Worker is its caller's: the tests
 * call it in their own isolate, `npm run measure -- sites` sends it to a production bundle.
 */
import type { Outside } from '../outside.ts'

export interface Sent {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface Deployment {
  readonly outside: Outside
  /** Follows nothing. */
  send(url: string, sent: Sent): Promise<Response>
}

export interface Site {
  readonly id: string
  readonly host: string
  /** `undefined`: takes tokens only. */
  readonly provider: 'main' | 'posting' | undefined
  readonly deviceBound: boolean
}

const siteOf = (id: string, provider: Site['provider'], deviceBound = false): Site => ({
  id,
  host: `${id}.test`,
  provider,
  deviceBound,
})

/** As test/worker/wrangler.toml has them. */
export const north = siteOf('north', 'main')
export const south = siteOf('south', 'main')
export const east = siteOf('east', 'posting')
export const sites: readonly Site[] = [
  north,
  south,
  east,
  siteOf('west', undefined),
  siteOf('locked', 'main', true),
  siteOf('latched', 'main', true),
]

let serial = 0

/** A name that nobody else bears. */
export function nobodyYet(kind: string): string {
  serial += 1
  return `${kind}-${String(serial)}`
}

/** The status, and why where it is refused. */
export async function answerOf(response: Response): Promise<string> {
  const status = String(response.status)
  const type = response.headers.get('content-type') ?? ''
  if (response.status < 400 || !type.includes('json')) return status
  const { reason, err } = (await response.json()) as { reason?: string; err?: string }
  return `${status} ${reason ?? err ?? ''}`
}

/** A browser, and the person before it. */
export class Client {
  readonly deployment: Deployment
  readonly site: Site
  readonly host: string
  readonly cookies = new Map<string, string>()
  /** Who signs in, and under which session of the provider. */
  readonly subject: string
  readonly providerSession = nobodyYet('sid')

  constructor(deployment: Deployment, site: Site, subject = nobodyYet('person'), host = site.host) {
    this.deployment = deployment
    this.site = site
    this.subject = subject
    this.host = host
  }

  static async signedIn(deployment: Deployment, site: Site, subject?: string): Promise<Client> {
    const client = new Client(deployment, site, subject)
    const answer = await answerOf(await client.signIn())
    if (answer !== '303') throw new Error(`signing in at ${site.id} is answered ${answer}`)
    return client
  }

  get provider() {
    return this.deployment.outside[this.site.provider ?? 'main']
  }

  async send(path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Response> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.deployment.send(`https://${this.host}${path}`, {
      method,
      headers: {
        ...(cookie === '' ? {} : { cookie }),
        ...(body === undefined ? {} : { 'content-length': String(body.length) }),
        ...(method === 'GET' ? {} : { 'sec-fetch-site': 'same-origin' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split('; ')
      const name = pair.slice(0, pair.indexOf('='))
      if (attributes.includes('Max-Age=0')) this.cookies.delete(name)
      else this.cookies.set(name, pair.slice(pair.indexOf('=') + 1))
    }
    return response
  }

  postForm(path: string, form: URLSearchParams | Readonly<Record<string, string>>) {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    return this.send(path, { method: 'POST', headers, body: new URLSearchParams(form).toString() })
  }

  /** Goes to the provider and signs in there; gives the parameters of the response. */
  async authorize(): Promise<URLSearchParams> {
    const { provider } = this
    const response = await this.send('/auth/login')
    if (response.status !== 303)
      throw new Error(`a login at ${this.host} is answered ${await answerOf(response)}`)
    const name = { sub: this.subject, sid: this.providerSession }
    provider.claims = name
    provider.userinfo = { sub: this.subject, name: 'Ada' }
    return provider.authorize(response.headers.get('location') ?? '')
  }

  finish(parameters: URLSearchParams): Promise<Response> {
    return this.site.provider === 'posting'
      ? this.postForm('/auth/callback', parameters)
      : this.send(`/auth/callback?${parameters.toString()}`)
  }

  async signIn(): Promise<Response> {
    return this.finish(await this.authorize())
  }

  /** What the session may still do: asked with copies of the cookies, which are kept as they are. */
  async alive(): Promise<string> {
    return answerOf(await this.at(this.site).send('/api/x'))
  }

  /** A copy of this browser at a site, which is sent the cookies under the names that it reads them by. */
  at(where: Site): Client {
    const other = new Client(this.deployment, where, this.subject)
    for (const [name, value] of this.cookies) {
      const bare = name.replace(/^(?:__Host-Http-|__Host-)/, '')
      const short = where.deviceBound && bare === 'sallyport-access'
      other.cookies.set(`${short ? '__Host-' : '__Host-Http-'}${bare}`, value)
    }
    return other
  }

  cookie(kind: 'access' | 'refresh'): string {
    return [...this.cookies].find(([name]) => name.endsWith(kind))?.[1] ?? ''
  }

  forget(kind: 'access' | 'refresh'): this {
    for (const name of this.cookies.keys()) if (name.endsWith(kind)) this.cookies.delete(name)
    return this
  }

  /** As assertions and the person's list name it. */
  get sessionId(): string {
    return this.cookie('refresh').split('.')[0] ?? ''
  }
}

/** A request with a bearer token. */
export function bear(
  deployment: Deployment,
  { host }: Site,
  token: string,
  path = '/tokens/x',
  { method = 'GET', body }: Sent = {},
): Promise<Response> {
  return deployment.send(`https://${host}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${token}`,
      ...(body === undefined ? {} : { 'content-length': String(body.length) }),
    },
    ...(body === undefined ? {} : { body }),
  })
}

/** A token of the issuer that all sites know, for one of them. */
export function tokenFor({ outside }: Deployment, { id }: Site, claims: object = {}) {
  return outside.as.token({ aud: `${id}-api`, sub: 'app', client_id: 'app', ...claims })
}

/** A token with which a site takes its holder for an operator. */
export function operatorOf({ outside }: Deployment, { id }: Site): Promise<string> {
  return outside.as.token({ sub: 'app', aud: `${id}-operator`, scope: 'marks' })
}

export function signsIn({ provider }: Site): boolean {
  return provider !== undefined
}

export function signedIn(deployment: Deployment, home: Site): Promise<Client> {
  return Client.signedIn(deployment, home)
}
