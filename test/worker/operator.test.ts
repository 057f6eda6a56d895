import { beforeEach, describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

let client: Browser

beforeEach(() => {
  client = new Browser()
})

async function operatorToken(claims: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return world.outside.as.token({ sub: 'app', aud: 'operator', scope: 'marks', ...claims })
}

async function ask(
  method: string,
  body?: unknown,
  token?: string,
  path = '/auth/operator/marks',
): Promise<Response> {
  const text = body === undefined ? undefined : JSON.stringify(body)
  return client.send(path, {
    method,
    headers: {
      authorization: `Bearer ${token ?? (await operatorToken())}`,
      ...(text === undefined ? {} : { 'content-length': String(text.length) }),
    },
    ...(text === undefined ? {} : { body: text }),
  })
}

async function bearer(token: string): Promise<number> {
  const headers = { authorization: `Bearer ${token}` }
  return (await new Browser().send('/tokens/x', { headers })).status
}

const eve = { kind: 'subject', issuer: 'https://as.test', id: 'eve' }

describe('an operator', () => {
  it('marks, sees what is marked, and takes it back; all of it is audited', async () => {
    const token = await world.outside.as.token({ sub: 'eve' })
    expect(await bearer(token)).toBe(200)
    expect((await ask('POST', { ...eve, reason: 'lost laptop' })).status).toBe(201)
    expect(await bearer(token)).toBe(401)
    const { marks } = (await (await ask('GET')).json()) as { marks: Record<string, unknown>[] }
    expect(marks).toMatchObject([{ ...eve, reason: 'lost laptop', by: 'https://as.test app' }])
    expect((await ask('DELETE', eve)).status).toBe(204)
    expect(await bearer(token)).toBe(200)
    expect(await problem(await ask('DELETE', eve))).toEqual({ status: 404, reason: 'mark_unknown' })
    expect(world.log.filter(({ event }) => String(event).startsWith('operator.'))).toMatchObject([
      { event: 'operator.mark_added', by: 'https://as.test app', kind: 'subject', id: 'eve' },
      { event: 'operator.mark_removed', by: 'https://as.test app', kind: 'subject', id: 'eve' },
    ])
  })

  it('shuts somebody out for good, or a compromised key', async () => {
    const token = await world.outside.as.token({
      sub: 'eve',
      iat: Math.floor(Date.now() / 1000) + 3,
    })
    const key = { kind: 'signing_key', issuer: 'https://as.test', id: 'first' }
    expect((await ask('POST', { ...eve, before: 'forever', reason: 'banned' })).status).toBe(201)
    expect(await bearer(token)).toBe(401)
    expect((await ask('POST', { ...key, before: 'forever', reason: 'stolen' })).status).toBe(201)
    expect(await bearer(await world.outside.as.token())).toBe(401)
    // The operator's own token was signed by that key: another way in must be at hand.
    expect((await ask('GET')).status).toBe(401)
  })

  it.each([
    [{}, 'kind'],
    [{ kind: 'everything' }, 'kind'],
    [{ kind: 'subject', issuer: 'https://as.test' }, 'id'],
    [{ kind: 'subject', id: 'eve' }, 'issuer'],
    [{ ...eve, reason: '' }, 'reason'],
    [{ ...eve, reason: 'x', before: 'yesterday' }, 'before'],
    [{ ...eve, reason: 'x', lasts: -1 }, 'lasts'],
    [[], 'body'],
    ['text', 'body'],
  ])('is told which word of %j is wrong', async (body, parameter) => {
    const response = await ask('POST', body)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ detail: `Parameter: ${parameter}.` })
  })

  it('is who the site’s rule lets in, and nobody else', async () => {
    expect((await ask('GET')).status).toBe(200)
    const refused = async (claims: Record<string, unknown>) =>
      problem(await ask('GET', undefined, await operatorToken(claims)))
    expect(await refused({ scope: 'orders' })).toEqual({
      status: 403,
      reason: 'scope_insufficient',
    })
    expect(await refused({ aud: 'api' })).toEqual({ status: 401, reason: 'token_refused' })
    expect(await refused({ sub: 'ada' })).toEqual({ status: 403, reason: 'caller_kind_refused' })
    const bare = await client.send('/auth/operator/marks')
    expect(bare.headers.get('www-authenticate')).toBe('Bearer')
    expect(await problem(bare)).toEqual({ status: 401, reason: 'token_missing' })
  })

  it('is never a browser with a session', async () => {
    const browser = new Browser()
    await browser.signIn()
    const response = await browser.send('/auth/operator/marks')
    expect(await problem(response)).toEqual({ status: 401, reason: 'token_missing' })
  })

  it('has no place at a site that names none', async () => {
    const response = await new Browser('admin.test').send('/auth/operator/marks')
    expect(await problem(response)).toEqual({ status: 404, reason: 'route_unknown' })
    expect((await ask('PUT')).headers.get('allow')).toBe('GET, POST, DELETE')
    expect((await ask('GET', undefined, undefined, '/auth/operator/other')).status).toBe(404)
  })

  it('sees how old the knowledge is on which decisions are taken', async () => {
    const headers = {
      authorization: `Bearer ${await world.outside.as.token()}`,
      'sallyport-revocation-age': '?',
    }
    const response = await client.send('/tokens/x', { headers })
    expect(response.headers.get('sallyport-revocation-age')).toMatch(/^\d{1,4}$/)
    expect(world.outside.last.headers.has('sallyport-revocation-age')).toBe(false)
    const status = await ask('GET', undefined, undefined, '/auth/operator/status')
    expect(await status.json()).toMatchObject({ revocation: { smallest_bound_ms: 2000 } })
  })
})
