/**
 * What can be done at a site, each done at the other sites too: whether the first site's sessions, tokens and keys feel it.
 */
import type { JSONWebKeySet } from 'jose'

import { type Crossing, crossing } from './crossing.ts'
import {
  answerOf,
  bear,
  Client,
  type Deployment,
  nobodyYet,
  operatorOf,
  signedIn,
  signsIn,
  type Site,
  tokenFor,
} from './deployment.ts'

/** Something that is done at a site to a session of the first; good is that the session feels it at home. */
function ending(
  what: string,
  end: (client: Client, at: Site, deployment: Deployment) => Promise<unknown>,
): Crossing {
  return crossing({
    what,
    of: signsIn,
    once: true,
    make: signedIn,
    show: async (client, site, deployment) => {
      const before = await client.alive()
      await end(client, site, deployment)
      return `${before}, then ${await client.alive()}`
    },
    good: '200, then 401 session_revoked',
    apart: ['200, then 200'],
  })
}

const caep = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'

/** An event about somebody, addressed to a site. */
function eventFor({ outside }: Deployment, { host }: Site, subject: string): Promise<string> {
  const nothing = { sub: undefined, client_id: undefined, scope: undefined, exp: undefined }
  const sub_id = { format: 'iss_sub', iss: outside.as.issuer, sub: subject }
  return outside.as.token(
    { ...nothing, aud: `https://${host}/auth/events`, events: { [caep]: {} }, sub_id },
    { typ: 'secevent+jwt' },
  )
}

function sendEvent(deployment: Deployment, { host }: Site, event: string): Promise<Response> {
  return deployment.send(`https://${host}/auth/events`, {
    method: 'POST',
    headers: {
      'content-type': 'application/secevent+jwt',
      'content-length': String(event.length),
    },
    body: event,
  })
}

const endings: readonly Crossing[] = [
  ending('signing out with these cookies', (client, site) =>
    client.at(site).send('/auth/logout', { method: 'POST' }),
  ),
  ending('signing out everywhere, as the same person', async (client, site, deployment) => {
    if (site.provider === undefined) return
    const same = await Client.signedIn(deployment, site, client.subject)
    await same.send('/auth/logout?everywhere=true', { method: 'POST' })
  }),
  ending('ending all other sessions, as the same person', async (client, site, deployment) => {
    if (site.provider === undefined) return
    const same = await Client.signedIn(deployment, site, client.subject)
    await same.send('/auth/sessions', { method: 'DELETE' })
  }),
  ending('revoking the access cookie', (client, site) =>
    client.at(site).postForm('/auth/revoke', { token: client.cookie('access') }),
  ),
  ending('revoking the refresh cookie', (client, site) =>
    client.at(site).postForm('/auth/revoke', { token: client.cookie('refresh') }),
  ),
  ending('back-channel logout, of the provider that both have', async (client, site) => {
    const { subject: sub, providerSession: sid } = client
    const token = await client.provider.logoutToken({ sub, sid })
    await client.at(site).postForm('/auth/backchannel-logout', { logout_token: token })
  }),
  ending('front-channel logout, with these cookies', (client, site) => {
    const named = { iss: client.provider.issuer, sid: client.providerSession }
    const query = new URLSearchParams(named).toString()
    return client.at(site).send(`/auth/frontchannel-logout?${query}`)
  }),
]

/** A logout token that came to another site first is still new here. */
const replays: readonly Crossing[] = [
  crossing({
    what: 'logout token that was used already, for the other site’s memory',
    of: signsIn,
    once: true,
    make: async (deployment, home) => {
      const client = await Client.signedIn(deployment, home)
      const { subject: sub, providerSession: sid } = client
      return { client, token: await client.provider.logoutToken({ sub, sid }) }
    },
    show: async ({ client, token }, site, deployment, home) => {
      const post = (where: Site) =>
        new Client(deployment, where).postForm('/auth/backchannel-logout', { logout_token: token })
      // At home it is then sent again; at another site it is only looked at whether that one is told of a replay.
      const answer = await answerOf(await post(site))
      return site === home ? `${answer}, ${await client.alive()}` : answer.replace(/^400.*/, '400')
    },
    good: '200, 401 session_revoked',
    apart: ['200', '400', '404 route_unknown'],
  }),
  crossing({
    what: 'shared signal',
    of: signsIn,
    once: true,
    make: (deployment, home) => eventFor(deployment, home, nobodyYet('person')),
    show: async (event, site, deployment) => answerOf(await sendEvent(deployment, site, event)),
    good: '202',
    apart: ['400 invalid_audience', '404 route_unknown'],
  }),
  crossing({
    what: 'shared signal to a site, about the same person’s tokens',
    of: signsIn,
    once: true,
    make: (deployment, home) => tokenOfSomebody(deployment, home),
    show: async ({ token, subject }, site, deployment, home) => {
      await sendEvent(deployment, site, await eventFor(deployment, site, subject))
      return answerOf(await bear(deployment, home, token))
    },
    good: '401 token_revoked',
    apart: ['200'],
  }),
]

const seconds = () => Math.floor(Date.now() / 1000)

async function tokenOfSomebody(deployment: Deployment, home: Site) {
  const subject = nobodyYet('person')
  const said = { jti: nobodyYet('token'), client_id: nobodyYet('client'), sid: nobodyYet('sid') }
  const iat = seconds() - 120
  return {
    token: await tokenFor(deployment, home, { sub: subject, iat, ...said }),
    subject,
    ...said,
  }
}

/** An operator of one site marks something by the name that it has at another. */
async function mark(
  deployment: Deployment,
  site: Site,
  target: object,
  method: 'POST' | 'DELETE' = 'POST',
): Promise<string> {
  const body = JSON.stringify({ ...target, ...(method === 'POST' ? { reason: 'x' } : {}) })
  const token = await operatorOf(deployment, site)
  return answerOf(await bear(deployment, site, token, '/auth/operator/marks', { method, body }))
}

type Target = Readonly<Record<string, string>>

function marksOnSession(kind: string, target: (client: Client) => Target): Crossing {
  return ending(`mark of kind ${kind}, on a session`, async (client, site, deployment) => {
    const set = await mark(deployment, site, { kind, ...target(client) })
    if (set !== '201') throw new Error(`a mark at ${site.id} is answered ${set}`)
  })
}

function marksOnToken(
  kind: string,
  target: (made: Omit<Awaited<ReturnType<typeof tokenOfSomebody>>, 'token'>) => Target,
): Crossing {
  return crossing({
    what: `mark of kind ${kind}, on a token`,
    of: () => true,
    once: true,
    make: tokenOfSomebody,
    show: async ({ token, ...made }, site, deployment, home) => {
      const before = await answerOf(await bear(deployment, home, token))
      const of = { kind, issuer: deployment.outside.as.issuer, ...target(made) }
      // Of a time after the token, before the operators': some marks name what theirs bear too.
      const set = await mark(deployment, site, { ...of, before: seconds() - 60 })
      const after = await answerOf(await bear(deployment, home, token))
      return `${before}, ${set}, then ${after}, ${await mark(deployment, site, of, 'DELETE')}`
    },
    good: '200, 201, then 401 token_revoked, 204',
    apart: ['200, 201, then 200, 204'],
  })
}

const marks: readonly Crossing[] = [
  marksOnSession('session', ({ sessionId: id }) => ({ id })),
  marksOnSession('subject', ({ subject: id, provider }) => ({ id, issuer: provider.issuer })),
  marksOnSession('provider_session', ({ providerSession: id, provider }) => ({
    id,
    issuer: provider.issuer,
  })),
  marksOnToken('token', ({ jti: id }) => ({ id })),
  marksOnToken('subject', ({ subject: id }) => ({ id })),
  marksOnToken('client', ({ client_id: id }) => ({ id })),
  marksOnToken('provider_session', ({ sid: id }) => ({ id })),
  marksOnToken('signing_key', () => ({ id: 'first' })),
  marksOnToken('site', () => ({})),
  crossing({
    what: 'mark, seen in the list and taken back by an operator',
    of: () => true,
    once: true,
    make: async (deployment, home) => {
      const target = { kind: 'subject', issuer: 'https://as.test', id: nobodyYet('person') }
      await mark(deployment, home, target)
      return target
    },
    show: async (target, site, deployment) => {
      const token = await operatorOf(deployment, site)
      const listed = await bear(deployment, site, token, '/auth/operator/marks')
      const seen = (await listed.text()).includes(`"${target.id}"`) ? 'seen' : 'not seen'
      return `${seen}, ${await mark(deployment, site, target, 'DELETE')}`
    },
    good: 'seen, 204',
    apart: ['not seen, 404 mark_unknown'],
  }),
]

async function kidsAt(deployment: Deployment, { host }: Site): Promise<readonly unknown[]> {
  const response = await deployment.send(`https://${host}/.well-known/jwks.json`, {})
  const set = (await response.json()) as JSONWebKeySet
  return set.keys.map(({ kid }) => kid)
}

const keys: readonly Crossing[] = [
  crossing({
    what: 'keys, rolled over by an operator',
    of: () => true,
    make: async () => null,
    show: async (_, site, deployment, home) => {
      const before = await kidsAt(deployment, home)
      const token = await operatorOf(deployment, site)
      const sent = { method: 'POST', body: JSON.stringify({ reason: 'x' }) }
      const rolled = await bear(deployment, site, token, '/auth/operator/keys/rollover', sent)
      const after = await kidsAt(deployment, home)
      const same = before.join() === after.join() ? 'the same keys' : 'other keys'
      return `${await answerOf(rolled)}, ${same}`
    },
    good: '200, other keys',
    apart: ['200, the same keys'],
  }),
  crossing({
    what: 'kid, among the published keys',
    of: () => true,
    make: kidsAt,
    show: async (kids, site, deployment) => {
      const there = await kidsAt(deployment, site)
      return `${String(kids.filter((kid) => there.includes(kid)).length)} of ${String(kids.length)}`
    },
    good: '2 of 2',
    apart: ['0 of 2'],
  }),
]

export const effects = [...endings, ...replays, ...marks, ...keys]
