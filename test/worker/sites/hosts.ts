/**
 * Hosts: what those of one site share by design, and that nothing else is taken for a host of a site.
 */
import { answerOf, Client, type Deployment, north, south, type Sent } from './deployment.ts'

export interface HostCase {
  readonly what: string
  readonly expected: string
  readonly ask: (deployment: Deployment) => Promise<string>
}

const ask = (deployment: Deployment, host: string, path = '/public/x', sent: Sent = {}) =>
  deployment.send(`https://${host}${path}`, sent)

const host = (what: string, name: string, expected: string): HostCase => ({
  what: `${what}: ${name}`,
  expected,
  ask: async (deployment) => answerOf(await ask(deployment, name)),
})

/** A session of north.test, shown at `www.north.test`: another host of the same site. */
async function elsewhere(deployment: Deployment, at: string): Promise<Client> {
  const home = await Client.signedIn(deployment, north)
  const other = new Client(deployment, north, home.subject, at)
  for (const [name, value] of home.cookies) other.cookies.set(name, value)
  return other
}

const page = async (deployment: Deployment, at: string) => {
  deployment.outside.origin = () =>
    new Response('<p>', { headers: { 'content-type': 'text/html' } })
  const response = await ask(deployment, at)
  return response.headers.get('content-security-policy') ?? 'none'
}

const cors = async (deployment: Deployment, at: string) => {
  const response = await ask(deployment, at, '/public/x', {
    headers: { origin: 'https://app.test' },
  })
  return response.headers.get('access-control-allow-origin') ?? 'none'
}

export const hosts: readonly HostCase[] = [
  host('a host', 'north.test', '200'),
  host('another host of the site', 'www.north.test', '200'),
  host('upper case is the same host', 'NORTH.test', '200'),
  host('the standard port is the same host', 'north.test:443', '200'),
  host('a host of no site', 'unknown.test', '421 site_unknown'),
  host('a host below', 'a.north.test', '421 site_unknown'),
  host('another port', 'north.test:8443', '421 site_unknown'),
  host('a trailing dot', 'north.test.', '421 site_unknown'),
  {
    what: 'shared by design: cookies, brought to another host of the site',
    expected: '200',
    ask: async (deployment) =>
      answerOf(await (await elsewhere(deployment, 'www.north.test')).send('/api/x')),
  },
  {
    what: 'not shared: a login goes on only at the host where it began',
    expected: '400 state_unreadable',
    ask: async (deployment) => {
      const client = new Client(deployment, north)
      const parameters = await client.authorize()
      const other = new Client(deployment, north, client.subject, 'www.north.test')
      for (const [name, value] of client.cookies) other.cookies.set(name, value)
      return answerOf(await other.finish(parameters))
    },
  },
  {
    what: 'CORS list, at its own site',
    expected: 'https://app.test',
    ask: (deployment) => cors(deployment, north.host),
  },
  {
    what: 'CORS list, at another site',
    expected: 'none',
    ask: (deployment) => cors(deployment, south.host),
  },
  {
    what: 'page headers, at their own site',
    expected: "default-src 'none'; frame-ancestors 'none'",
    ask: (deployment) => page(deployment, north.host),
  },
  {
    what: 'page headers, at another site',
    expected: 'none',
    ask: (deployment) => page(deployment, south.host),
  },
]
