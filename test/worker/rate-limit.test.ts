import { describe, expect, it } from 'vitest'

import { Browser, eachTestHasItsWorld, problem, world } from './world.ts'

eachTestHasItsWorld()

let serial = 0
/** Nobody has come from here before. */
const somewhere = () => `198.51.100.${String(++serial)}`

/**
 * The statuses of requests, one after another, until one is refused. The platform's windows begin with the minute, so that
 * twice the limit and one more may pass at most.
 */
async function until429(most: number, send: () => Promise<Response>): Promise<Response[]> {
  const answers: Response[] = []
  for (let i = 0; i < 2 * most + 1; i++) {
    const answer = await send()
    answers.push(answer)
    if (answer.status === 429) break
  }
  return answers
}

function from(address: string, path: string, init: RequestInit = {}, host = 'limited.test') {
  const headers = { accept: 'application/json', ...(init.headers as object) }
  return new Browser(host).send(path, {
    ...(init as object),
    headers: { ...headers, 'cf-connecting-ip': address },
  })
}

describe('a limit by address', () => {
  it.each([
    ['/auth/login', 'GET', 303],
    ['/auth/callback', 'GET', 400],
    ['/auth/refresh', 'POST', 403],
    ['/auth/revoke', 'POST', 415],
    ['/auth/events', 'POST', 400],
    ['/auth/operator/marks', 'GET', 401],
  ])('is kept on %s', async (path, method, status) => {
    const address = somewhere()
    const answers = await until429(3, () => from(address, path, { method }))
    expect(answers[0]?.status).toBe(status)
    const last = answers.at(-1)
    expect(last?.headers.get('retry-after')).toBe('60')
    expect(last?.headers.get('ratelimit')).toBe('"few";r=0;t=60')
    expect(last?.headers.get('ratelimit-policy')).toBe('"few";q=3;w=60')
    expect(await problem(last as Response)).toEqual({ status: 429, reason: 'rate_limited' })
    expect(world.log).toContainEqual(
      expect.objectContaining({ event: 'request.denied', reason: 'rate_limited', policy: 'few' }),
    )
    expect((await from(somewhere(), path, { method })).status).toBe(status)
  })

  it('is not escaped by another word for the address, nor by the rest of a /64', async () => {
    const forged = () => ({ 'x-forwarded-for': somewhere(), 'x-real-ip': somewhere() })
    const address = somewhere()
    const honest = await from(address, '/everybody/x')
    expect(honest.status).toBe(200)
    const answers = await until429(2, () => from(address, '/everybody/x', { headers: forged() }))
    expect(answers.at(-1)?.status).toBe(429)
    const neighbours = await until429(2, () =>
      from(`2001:db8::${String(++serial)}`, '/everybody/x'),
    )
    expect(neighbours.at(-1)?.status).toBe(429)
    expect((await from('2001:db8:0:1::1', '/everybody/x')).status).toBe(200)
  })

  it('of one site is not used up at another, though the binding is the same', async () => {
    const address = somewhere()
    const answers = await until429(2, () => from(address, '/everybody/x'))
    expect(answers.at(-1)?.status).toBe(429)
    expect((await from(address, '/everybody/x', {}, 'alike.test')).status).toBe(200)
    expect((await from(address, '/free')).status).toBe(200)
  })

  it('spares an issuer who would be asked about one made-up token after another', async () => {
    const { opaque } = world.outside
    opaque.known.set('good', { active: true, ...opaque.claims() })
    const address = somewhere()
    const ask = (token: string) =>
      from(address, '/opaque', { headers: { authorization: `Bearer ${token}` } })
    const client = new Browser('limited.test')
    const headers = { authorization: 'Bearer good', 'cf-connecting-ip': address }
    expect((await client.send('/opaque', { headers })).status).toBe(200)
    const answers = await until429(3, () => ask(`made-up-${String(++serial)}`))
    expect(await problem(answers.at(-1) as Response)).toEqual({
      status: 429,
      reason: 'rate_limited',
    })
    // The last one was not asked about, and neither is what is known.
    expect(opaque.count('/introspect')).toBe(answers.length)
    expect((await client.send('/opaque', { headers })).status).toBe(200)
    expect(opaque.count('/introspect')).toBe(answers.length)
  })
})

describe('a limit per caller', () => {
  it('follows the person, and lets everybody else pass', async () => {
    const ada = new Browser('limited.test')
    await ada.signIn()
    const mine = () => ada.send('/mine/x', { headers: { 'cf-connecting-ip': somewhere() } })
    const answers = await until429(3, mine)
    expect(answers[0]?.status).toBe(200)
    expect(answers.at(-1)?.status).toBe(429)
    expect((await from(somewhere(), '/mine/x')).status).toBe(200)
  })

  it('keeps a session that was renewed on the way signed in', async () => {
    world.outside.main.claims = { sub: 'grace' }
    const grace = new Browser('limited.test')
    await grace.signIn()
    const before = grace.cookies.get('__Host-Http-sallyport-refresh')
    const answers = await until429(3, async () => {
      grace.forgetAccess()
      return grace.send('/mine/x')
    })
    expect(answers.at(-1)?.status).toBe(429)
    expect(answers.at(-1)?.headers.getSetCookie()).toHaveLength(2)
    expect(grace.cookies.get('__Host-Http-sallyport-refresh')).not.toBe(before)
    expect((await grace.send('/auth/session')).status).toBe(200)
  })
})

it('renews no session for nothing: a rule that refuses hands out the new cookies, too', async () => {
  const ada = new Browser('limited.test')
  await ada.signIn()
  ada.forgetAccess()
  const refused = await ada.send('/gold')
  expect(refused.headers.getSetCookie()).toHaveLength(2)
  expect(await problem(refused)).toEqual({ status: 403, reason: 'scope_insufficient' })
})

it('lets everybody pass where a limiter throws: limits spare others, and keep nobody out', async () => {
  const FEWER = { limit: () => Promise.reject(new Error('down')) }
  const browser = new Browser('limited.test', { FEWER })
  for (let i = 0; i < 6; i++) expect((await browser.send('/everybody/x')).status).toBe(200)
  expect(world.log.filter(({ event }) => event === 'rate_limit.unavailable')).toHaveLength(1)
})

it('answers 503 where a configured limiter does not exist', async () => {
  const browser = new Browser('limited.test', { FEWER: undefined })
  expect(await problem(await browser.send('/free'))).toEqual({
    status: 503,
    reason: 'configuration',
  })
})
