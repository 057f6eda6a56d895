/**
 * Everything that a site hands out or takes as evidence, each shown at the other sites.
 */
import { createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify, SignJWT } from 'jose'
import type { GenerateKeyPairResult, JSONWebKeySet } from 'jose'

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

const binds = ({ deviceBound }: Site) => deviceBound
const every = () => true

/** At home the browser itself, which keeps what it is given; elsewhere a copy. */
const at = (client: Client, site: Site) => (site === client.site ? client : client.at(site))

const noSession = ['401 session_missing', '401 session_unknown', '404 route_unknown']

const cookies: readonly Crossing[] = [
  crossing({
    what: 'access cookie',
    of: signsIn,
    make: async (deployment, home) => (await signedIn(deployment, home)).forget('refresh'),
    show: async (client, site) => answerOf(await at(client, site).send('/api/x')),
    good: '200',
    apart: ['401 access_cookie_unreadable', '401 token_missing'],
  }),
  crossing({
    what: 'refresh cookie, at /auth/refresh',
    of: signsIn,
    make: signedIn,
    show: async (client, site) =>
      answerOf(await at(client, site).send('/auth/refresh', { method: 'POST' })),
    good: '204',
    apart: noSession,
  }),
  crossing({
    what: 'refresh cookie, renewing on the way',
    of: signsIn,
    make: signedIn,
    show: async (client, site) => answerOf(await at(client, site).forget('access').send('/api/x')),
    good: '200',
    apart: ['401 session_unknown', '401 token_missing'],
  }),
  ...(['/auth/session', '/auth/sessions'] as const).map((path) =>
    crossing({
      what: `both cookies, at ${path}`,
      of: signsIn,
      make: signedIn,
      show: async (client, site) => answerOf(await at(client, site).send(path)),
      good: '200',
      apart: ['401 access_cookie_unreadable', ...noSession],
    }),
  ),
]

const logins: readonly Crossing[] = [
  crossing({
    what: 'state and login cookie',
    of: signsIn,
    once: true,
    make: async (deployment, home) => {
      const client = new Client(deployment, home)
      return { client, parameters: await client.authorize() }
    },
    show: async ({ client, parameters }, site) =>
      answerOf(await at(client, site).finish(parameters)),
    good: '303',
    apart: ['400 state_unreadable', '404 route_unknown'],
  }),
  crossing({
    what: 'state of the bounce page',
    of: signsIn,
    make: (deployment, home) => new Client(deployment, home).authorize(),
    show: async (parameters, site, deployment) =>
      answerOf(await new Client(deployment, site).postForm('/auth/callback', parameters)),
    good: '200',
    apart: ['400 state_unreadable', '404 route_unknown'],
  }),
  crossing({
    what: 'authorization code, in a login of the other site',
    of: signsIn,
    make: async (deployment, home) => new Client(deployment, home),
    show: async (client, site, deployment, home) => {
      if (site.provider === undefined) return 'no logins'
      const code = (await client.authorize()).get('code') ?? ''
      // At home the login goes on; elsewhere it is one of that site, whose response is given the code.
      const other = site === home ? client : new Client(deployment, site, client.subject)
      const own = await other.authorize()
      if (site !== home) own.set('code', code)
      return answerOf(await other.finish(own))
    },
    good: '303',
    apart: ['400 id_token_refused', '400 code_refused', 'no logins'],
  }),
]

/** A browser's key, as in Device Bound Session Credentials. */
class Device {
  readonly client: Client
  readonly #keys: GenerateKeyPairResult

  private constructor(client: Client, keys: GenerateKeyPairResult) {
    this.client = client
    this.#keys = keys
  }

  static async signedIn(deployment: Deployment, home: Site) {
    const client = new Client(deployment, home)
    const response = await client.signIn()
    const offer = response.headers.get('secure-session-registration') ?? ''
    const device = new Device(client, await generateKeyPair('ES256', { extractable: true }))
    const jwk = await exportJWK(device.#keys.publicKey)
    const proof = await device.#sign({ jwk }, /challenge="([^"]+)"/.exec(offer)?.[1])
    return { device, proof }
  }

  static async bound(deployment: Deployment, home: Site) {
    const { device, proof } = await Device.signedIn(deployment, home)
    await device.register(home, proof)
    return { device, proof: await device.answer(home) }
  }

  /** The proof that a site's challenge asks for. */
  async answer(site: Site): Promise<string> {
    const response = await this.#post(site, this.client.sessionId)
    const header = response.headers.get('secure-session-challenge') ?? ''
    return this.#sign({}, /^"([^"]+)"/.exec(header)?.[1])
  }

  register = (site: Site, proof: string) => this.#post(site, 'registration', proof)
  renew = (site: Site, proof: string) => this.#post(site, this.client.sessionId, proof)

  /** Browsers send no cookies with these. */
  #post({ host }: Site, path: string, proof?: string): Promise<Response> {
    return this.client.deployment.send(`https://${host}/auth/device-session/${path}`, {
      method: 'POST',
      headers: {
        'sec-secure-session-id': `"${host}"`,
        ...(proof === undefined ? {} : { 'secure-session-response': proof }),
      },
    })
  }

  #sign(header: object, jti: string | undefined): Promise<string> {
    return new SignJWT({ ...(jti === undefined ? {} : { jti }) })
      .setProtectedHeader({ alg: 'ES256', typ: 'dbsc+jwt', ...header })
      .sign(this.#keys.privateKey)
  }
}

const devices: readonly Crossing[] = [
  crossing({
    what: 'device registration challenge',
    of: binds,
    once: true,
    make: (deployment, home) => Device.signedIn(deployment, home),
    show: async ({ device, proof }, site) => answerOf(await device.register(site, proof)),
    good: '200',
    apart: ['400 device_proof_refused', '401 device_proof_refused', '404 route_unknown'],
  }),
  crossing({
    what: 'device proof, and the session id in its address',
    of: binds,
    once: true,
    make: (deployment, home) => Device.bound(deployment, home),
    show: async ({ device, proof }, site) => answerOf(await device.renew(site, proof)),
    good: '200',
    apart: ['401 session_unknown', '404 route_unknown'],
  }),
  crossing({
    what: 'device proof challenge of another site, at home',
    of: binds,
    once: true,
    make: (deployment, home) => Device.bound(deployment, home),
    // The same key answers the challenge of the site that is named, at home.
    show: async ({ device }, site, _, home) =>
      answerOf(await device.renew(home, await device.answer(site))),
    good: '200',
    apart: ['401 device_proof_refused', '403'],
  }),
  crossing({
    what: 'session id, ended by the same person at the other site',
    of: signsIn,
    once: true,
    make: signedIn,
    show: async (client, site, deployment) => {
      if (site.provider === undefined) return 'no logins'
      const same = await Client.signedIn(deployment, site, client.subject)
      const path = `/auth/sessions/${client.sessionId}`
      return answerOf(await same.send(path, { method: 'DELETE' }))
    },
    good: '204',
    apart: ['404 route_unknown', 'no logins'],
  }),
]

/** The assertion that the origin got last. */
function asserted({ outside }: Deployment): string {
  return (outside.last.headers.get('authorization') ?? '').replace('Bearer ', '')
}

async function verifiedAt(deployment: Deployment, { host }: Site, assertion: string) {
  const response = await deployment.send(`https://${host}/.well-known/jwks.json`, {})
  try {
    const keySet = (await response.json()) as JSONWebKeySet
    await jwtVerify(assertion, createLocalJWKSet(keySet))
    return 'verified'
  } catch (error) {
    return String((error as { readonly code?: unknown }).code)
  }
}

const tokens: readonly Crossing[] = [
  crossing({
    what: 'bearer token',
    of: every,
    make: tokenFor,
    show: async (token, site, deployment) => answerOf(await bear(deployment, site, token)),
    good: '200',
    apart: ['401 token_refused'],
  }),
  crossing({
    what: 'opaque token, and what introspection said of it',
    of: every,
    make: async ({ outside }, { id }) => {
      const token = nobodyYet('opaque')
      const { opaque } = outside
      opaque.known.set(token, { ...opaque.claims(), aud: `${id}-api`, active: true })
      return token
    },
    show: async (token, site, deployment) => answerOf(await bear(deployment, site, token)),
    good: '200',
    apart: ['401 token_refused'],
  }),
  crossing({
    what: 'operator’s token',
    of: every,
    make: operatorOf,
    show: async (token, site, deployment) => {
      const answers = [
        await bear(deployment, site, token, '/auth/operator/marks'),
        await bear(deployment, site, token, '/auth/operator/status'),
        await bear(deployment, site, token, '/auth/operator/keys'),
      ]
      return (await Promise.all(answers.map(answerOf))).join(', ')
    },
    good: '200, 200, 200',
    apart: [Array(3).fill('401 token_refused').join(', ')],
  }),
  crossing({
    what: 'assertion, held against the published keys',
    of: every,
    make: async (deployment, home) => {
      await bear(deployment, home, await tokenFor(deployment, home))
      return asserted(deployment)
    },
    show: (assertion, site, deployment) => verifiedAt(deployment, site, assertion),
    good: 'verified',
    apart: ['ERR_JWKS_NO_MATCHING_KEY'],
  }),
  crossing({
    what: 'assertion as a caller’s token, at its own site too',
    of: every,
    make: async (deployment, home) => {
      await bear(deployment, home, await tokenFor(deployment, home))
      return asserted(deployment)
    },
    // Refused everywhere: no token of ours is accepted as a caller's.
    show: async (assertion, site, deployment) => answerOf(await bear(deployment, site, assertion)),
    good: '401 token_refused',
    apart: ['401 token_refused'],
  }),
  crossing({
    what: 'kept assertion of a token that is good at both sites',
    of: every,
    make: ({ outside }) =>
      outside.as.token({
        aud: ['north', 'south', 'east', 'west', 'locked', 'latched'].map((id) => `${id}-api`),
      }),
    show: async (token, site, deployment, home) => {
      const answer = await answerOf(await bear(deployment, site, token))
      const { iss } = decodeJwt(asserted(deployment))
      const who = iss === `https://${home.host}` ? 'the first site’s' : 'its own'
      return `${answer}, ${who}, ${await verifiedAt(deployment, site, asserted(deployment))}`
    },
    good: '200, the first site’s, verified',
    apart: ['200, its own, verified'],
  }),
  crossing({
    what: 'kept assertion of one person, signed in at both sites',
    of: signsIn,
    make: async (_, home) => ({ subject: nobodyYet('person'), home }),
    show: async ({ subject }, site, deployment, home) => {
      if (site.provider === undefined) return 'no logins'
      const client = await Client.signedIn(deployment, site, subject)
      const answer = await client.alive()
      const { iss, sid } = decodeJwt(asserted(deployment))
      const who = iss === `https://${home.host}` ? 'the first site’s' : 'its own'
      const which = sid === client.sessionId ? 'this session' : 'another session'
      return `${answer}, ${who}, ${which}`
    },
    good: '200, the first site’s, this session',
    apart: ['200, its own, this session', 'no logins'],
  }),
]

export const credentials = [...cookies, ...logins, ...devices, ...tokens]
