/** Tokens that a real provider binds to a key of ours, at an origin that wants it proven (RFC 9449). */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import { ProofChecker } from '../worker/proof-checker.ts'
import { call, callAtOnce, newPerson, outliveAccessCookie, signIn } from './person.ts'
import { aWorld } from './world.ts'

journey('A provider that binds tokens, and wants its nonce in each proof', (browser) => {
  const proofs = new ProofChecker()
  /** What the origin got, and whether the provider’s own record of the token has the same key. */
  const seen: { scheme: string; token: string; outcome: string }[] = []
  let server: Server
  let folder = ''

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { host = '', authorization = '', dpop = '' } = incoming.headers
    const [scheme = '', token = ''] = authorization.split(' ')
    const request = new Request(`http://${host}${incoming.url ?? ''}`, {
      method: incoming.method ?? 'GET',
      headers: { authorization, dpop: String(dpop) },
    })
    const checked = await proofs.check(request, token)
    const kept = await world().provider.provider.AccessToken.find(token)
    const isKey = checked.ok && kept !== undefined && kept.jkt === checked.jkt
    const outcome = checked.ok ? (isKey ? 'proven' : 'another key') : checked.why
    seen.push({ scheme, token, outcome })
    const challenge = checked.ok ? {} : { 'www-authenticate': `DPoP error="${checked.error}"` }
    response.writeHead(isKey ? 200 : 401, { ...proofs.headers, ...challenge }).end(outcome)
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sallyport-state-'))
    server = createServer((incoming, response) => {
      answer(incoming, response).catch(() => response.destroy())
    }).listen(0, '127.0.0.1')
    await once(server, 'listening')
  })
  afterAll(async () => {
    server.close()
    server.closeAllConnections()
    await rm(folder, { recursive: true, force: true })
  })
  const world = aWorld({
    get persistTo() {
      return folder
    },
    dpop: () => `http://localhost:${String((server.address() as AddressInfo).port)}`,
  })

  it('signs people in, is refreshed again and again, and each token is proven to the origin', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    expect(await call(page, '/proven/a?b=c')).toEqual({ status: 200, text: 'proven' })
    for (let round = 0; round < 2; round++) {
      const before = world().provider.counts.refresh
      await outliveAccessCookie(page)
      const answers = await callAtOnce(page, ['/proven/1', '/proven/2', '/proven/3'])
      // The provider detects reuse and ends the grant: a later round would be refused
      expect(answers.map(({ text }) => text)).toEqual(['proven', 'proven', 'proven'])
      expect(world().provider.counts.refresh - before).toBe(1)
    }
    expect(new Set(seen.map(({ scheme }) => scheme))).toEqual(new Set(['DPoP']))
    expect(new Set(seen.map(({ token }) => token)).size).toBe(3)
  })

  it('goes on with an origin that wants a nonce too', async () => {
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    proofs.nonce = 'of-the-origin'
    seen.length = 0
    const posted = { method: 'POST', body: 'hello', headers: { 'X-CSRF': '1' } }
    expect(await call(page, '/proven/a', posted)).toEqual({ status: 200, text: 'proven' })
    expect(await call(page, '/proven/b')).toEqual({ status: 200, text: 'proven' })
    expect(seen.map(({ outcome }) => outcome)).toEqual(['nonce', 'proven', 'proven'])
  })

  it('loses nobody when the Worker is killed: the key is kept with the tokens', async () => {
    proofs.nonce = undefined
    const page = await newPerson(browser())
    await signIn(page, world().site, 'ada')
    await world().killWorker()
    await outliveAccessCookie(page)
    const before = world().provider.counts.refresh
    expect(await call(page, '/proven/a')).toEqual({ status: 200, text: 'proven' })
    expect(world().provider.counts.refresh - before).toBe(1)
  })
})
