import { createScheduledController } from 'cloudflare:test'
import { env } from 'cloudflare:workers'
import { describe, expect, it, vi } from 'vitest'

import worker from '../../src/index.ts'
import { makeSigner } from './fake-issuer.ts'
import { Browser, eachTestHasItsWorld, pass, problem, world } from './world.ts'

eachTestHasItsWorld()

const second = await makeSigner('ES256', 'second')

/** The answer's status, or the check that failed; from a fresh isolate unless told which. */
async function call(token: string, client = new Browser(), path = '/tokens/x'): Promise<unknown> {
  const response = await client.send(path, { headers: { authorization: `Bearer ${token}` } })
  if (response.status === 200) return 200
  const { status, reason } = await problem(response)
  const denied = world.log.findLast(({ event }) => event === 'request.denied')
  return status === 401 ? denied?.['check'] : reason
}

/** Events of the log, in order, with their fields. */
function events(name: string): readonly Record<string, unknown>[] {
  return world.log.filter(({ event }) => event === name)
}

/** A token that names a key which nobody has. */
function made(kid: string): Promise<string> {
  return world.outside.as.token({}, { kid })
}

describe('the keys of an issuer', () => {
  it('are read once, however many isolates start at once', async () => {
    const { as } = world.outside
    const token = await as.token()
    const answers = await Promise.all(Array.from({ length: 20 }, () => call(token)))
    expect(new Set(answers)).toEqual(new Set([200]))
    expect(as.asked).toEqual(['/.well-known/openid-configuration', '/keys'])
  })

  it('are taken from the copy near by, without asking the object', async () => {
    const { as } = world.outside
    expect(await call(await as.token())).toBe(200)
    const ISSUER_OBJECTS = {
      getByName: () => {
        throw new Error('not to be asked')
      },
    }
    const alone = () => new Browser('shop.test', { ISSUER_OBJECTS })
    expect(await call(await as.token(), alone())).toBe(200)
    expect(as.reads).toBe(1)
    // An old copy is better than none, up to the stated age.
    pass(3000)
    expect(await call(await as.token(), alone())).toBe(200)
    pass(601)
    expect(await call(await as.token(), alone())).toBe('internal')
  })

  it('are at the one address that the configuration gives, where it gives one', async () => {
    const { partner } = world.outside
    expect(await call(await partner.token())).toBe(200)
    expect(partner.asked).toEqual(['/keys'])
  })

  it('stand in the configuration for an issuer that publishes none', async () => {
    const { as } = world.outside
    const issuers = ['as', 'partner', 'opaque'].map((id) => ({
      id,
      issuer: `https://${id}.test`,
      algorithms: ['ES256'],
      keys: [as.signers[0]?.publicJwk],
    }))
    const client = new Browser('shop.test', { ISSUERS: issuers })
    expect(await call(await as.token(), client)).toBe(200)
    expect(await call(await as.token({}, {}, second), client)).toBe('key_unknown')
    const stranger = await makeSigner('ES256', 'first')
    expect(await call(await as.token({}, {}, stranger), client)).toBe('signature')
    expect(as.asked).toEqual([])
  })

  it('are read anew behind the answers, and only in full where they changed', async () => {
    const { as } = world.outside
    const client = new Browser()
    expect(await call(await as.token(), client)).toBe(200)
    let unchanged = 0
    as.instead.set('/keys', (request) => {
      if (request.headers.get('if-none-match') === '"first"') unchanged += 1
      return new Response(null, { status: 304 })
    })
    pass(601)
    expect(await call(await as.token(), client)).toBe(200)
    await expect.poll(() => unchanged).toBe(1)
    expect(await call(await as.token(), client)).toBe(200)
    expect(as.reads).toBe(2)
  })

  it('are read anew for a key that was rotated in', async () => {
    const { as } = world.outside
    const client = new Browser()
    expect(await call(await as.token(), client)).toBe(200)
    as.signers = [second, ...as.signers]
    pass(31)
    expect(await call(await as.token(), client)).toBe(200)
    expect(as.reads).toBe(2)
  })

  it('verify nothing where they are distrusted, from the next deployment on', async () => {
    const { as } = world.outside
    as.signers = [...as.signers, second]
    expect(await call(await as.token())).toBe(200)
    const distrusting = (kid: string) => {
      const issuers = env as unknown as { ISSUERS: { id: string }[] }
      const changed = issuers.ISSUERS.map((one) =>
        one.id === 'as' ? { ...one, distrusted_keys: [kid] } : one,
      )
      return new Browser('shop.test', { ISSUERS: changed })
    }
    expect(await call(await as.token(), distrusting('first'))).toBe('key_distrusted')
    expect(await call(await as.token({}, {}, second), distrusting('first'))).toBe(200)
    // It is known that nothing better can be had: nobody is asked.
    pass(31)
    expect(await call(await as.token(), distrusting('first'))).toBe('key_distrusted')
    expect(as.reads).toBe(1)
  })
})

describe('keys that nobody has', () => {
  it('cause one read in a cool-down, however many isolates are asked for them', async () => {
    const { as } = world.outside
    expect(await call(await as.token())).toBe(200)
    const flood = async () => {
      const tokens = await Promise.all(Array.from({ length: 40 }, (_, i) => made(`made-up-${i}`)))
      const answers = await Promise.all(tokens.map((token) => call(token)))
      expect(new Set(answers)).toEqual(new Set(['key_unknown']))
    }
    await flood()
    expect(as.reads).toBe(1)
    pass(31)
    await flood()
    expect(as.reads).toBe(2)
    await flood()
    expect(as.reads).toBe(2)
    expect(await call(await as.token())).toBe(200)
  })

  it('do not make one isolate ask the object again and again', async () => {
    const { as } = world.outside
    const inner = (env as unknown as { ISSUER_OBJECTS: { getByName(name: string): object } })
      .ISSUER_OBJECTS
    let asked = 0
    const ISSUER_OBJECTS = {
      getByName: (name: string) => {
        asked += 1
        return inner.getByName(name)
      },
    }
    const client = new Browser('shop.test', { ISSUER_OBJECTS })
    expect(await call(await as.token(), client)).toBe(200)
    for (let i = 0; i < 5; i++) expect(await call(await made(`m${i}`), client)).toBe('key_unknown')
    expect(asked).toBe(1)
    pass(31)
    for (let i = 0; i < 5; i++) expect(await call(await made(`n${i}`), client)).toBe('key_unknown')
    expect(asked).toBe(2)
  })

  it('cause no more reads where reading fails', async () => {
    const { as } = world.outside
    expect(await call(await as.token())).toBe(200)
    as.instead.set('/keys', () => new Response('down', { status: 500 }))
    pass(31)
    for (let i = 0; i < 10; i++) expect(await call(await made(`m${i}`))).toBe('key_unknown')
    expect(as.reads).toBe(2)
    expect(await call(await as.token())).toBe(200)
  })
})

it('an outage of the issuer does not bring every request to its object', async () => {
  const { as } = world.outside
  const inner = (env as unknown as { ISSUER_OBJECTS: { getByName(name: string): object } })
    .ISSUER_OBJECTS
  let asked = 0
  const ISSUER_OBJECTS = {
    getByName: (name: string) => {
      asked += 1
      return inner.getByName(name)
    },
  }
  const client = new Browser('shop.test', { ISSUER_OBJECTS })
  expect(await call(await as.token(), client)).toBe(200)
  as.instead.set('/keys', () => new Response('down', { status: 500 }))
  pass(700)
  const before = asked
  for (let i = 0; i < 20; i++) {
    expect(await call(await as.token(), client)).toBe(200)
    await scheduler.wait(10)
  }
  expect(asked - before).toBe(1)
})

describe('an issuer that is down', () => {
  it('has its known keys verify on, up to the stated age and no longer', async () => {
    const { as } = world.outside
    const client = new Browser()
    expect(await call(await as.token(), client)).toBe(200)
    as.instead.set('/keys', () => new Response('evil words', { status: 500 }))
    as.instead.set('/.well-known/openid-configuration', () => {
      throw new TypeError('evil words')
    })
    for (const seconds of [700, 1400, 1400]) {
      pass(seconds)
      expect(await call(await as.token(), client)).toBe(200)
      expect(await call(await as.token())).toBe(200)
    }
    pass(200)
    expect(await call(await as.token(), client)).toBe('provider_unreachable')
    expect(await call(await as.token())).toBe('provider_unreachable')
    expect(events('issuer.fetch_failed')[0]).toMatchObject({
      publisher: 'issuer as',
      kind: 'provider_unreachable',
      stale: true,
    })
    expect(JSON.stringify(world.log)).not.toContain('evil words')
  })

  it('is no fault of the tokens where nothing is known of it yet', async () => {
    const { as } = world.outside
    as.instead.set('/keys', () => new Response('down', { status: 500 }))
    expect(await call(await as.token())).toBe('provider_failed')
    expect(await call(await as.token())).toBe('provider_unreachable')
    expect(as.reads).toBe(1)
    as.instead.clear()
    pass(6)
    expect(await call(await as.token())).toBe(200)
  })

  it.each([
    ['redirects', () => Response.redirect('https://evil.test/keys', 302), 'provider_failed'],
    ['sends too much', () => new Response('x'.repeat(300_000)), 'provider_malformed'],
    ['sends no key set', () => Response.json({ keys: 'none' }), 'provider_malformed'],
    ['does not answer', () => new Promise<never>(() => undefined), 'provider_slow'],
  ])('is asked no further where it %s', async (_, answer, reason) => {
    const { as } = world.outside
    as.instead.set('/keys', answer)
    expect(await call(await as.token())).toBe(reason)
    expect(world.outside.received).toEqual([])
  })

  it('names keys that are not at an https address, which are not read', async () => {
    const { as } = world.outside
    as.metadata = { jwks_uri: 'http://as.test/keys' }
    expect(await call(await as.token())).toBe('provider_malformed')
    expect(as.reads).toBe(0)
  })
})

describe('the operator', () => {
  it('is told of a key that appears before it is used, and of one that goes', async () => {
    const { as } = world.outside
    const [old] = as.signers
    expect(await call(await as.token())).toBe(200)
    expect(events('issuer.key_appeared')).toEqual([])
    as.signers = [...as.signers, second]
    pass(31)
    expect(await call(await made('made-up'))).toBe('key_unknown')
    expect(events('issuer.key_appeared')).toMatchObject([{ publisher: 'issuer as', kid: 'second' }])
    as.signers = [second]
    pass(31)
    expect(await call(await made('made-up'))).toBe('key_unknown')
    expect(events('issuer.key_gone')).toMatchObject([{ publisher: 'issuer as', kid: 'first' }])
    expect(events('issuer.key_appeared')).toHaveLength(1)
    if (old !== undefined) expect(await call(await as.token({}, {}, old))).toBe('key_unknown')
  })

  it('is told of keys that verify nothing', async () => {
    const { as } = world.outside
    const twin = await makeSigner('ES256', 'first')
    const mac = { ...second, publicJwk: { kty: 'oct', k: 'AAAA', kid: 'evil\nwords' } }
    as.signers = [...as.signers, twin, mac]
    expect(await call(await as.token())).toBe('key_ambiguous')
    expect(events('issuer.key_refused').map(({ kid, why }) => [kid, why])).toEqual([
      ['first', 'duplicate'],
      ['first', 'duplicate'],
      ['(not printable)', 'unfit'],
    ])
    expect(JSON.stringify(world.log)).not.toContain('evil')
  })

  it('is told where the copy cannot be written, and tokens are verified all the same', async () => {
    const { as } = world.outside
    const { DOCUMENTS } = env as unknown as { DOCUMENTS: KVNamespace }
    vi.spyOn(DOCUMENTS, 'put').mockRejectedValue(new TypeError('evil words'))
    expect(await call(await as.token())).toBe(200)
    expect(await call(await as.token())).toBe(200)
    expect(as.reads).toBe(1)
    expect(events('issuer.publish_failed')).toMatchObject([
      { publisher: 'issuer as', cause: 'TypeError' },
    ])
    expect(JSON.stringify(world.log)).not.toContain('evil words')
  })
})

describe('the cron', () => {
  const tick = () => worker.scheduled(createScheduledController(), { ...env } as never)

  it('has the keys of every issuer and provider at hand before anybody asks', async () => {
    const { as, main, opaque, partner } = world.outside
    await tick()
    expect([as.reads, partner.reads, main.count('/jwks')]).toEqual([1, 1, 1])
    // All its tokens are opaque: no keys are needed.
    expect(opaque.asked).toEqual([])
    expect(await call(await as.token())).toBe(200)
    expect(as.reads).toBe(1)
    pass(301)
    await tick()
    expect([as.reads, partner.reads, main.count('/jwks')]).toEqual([2, 2, 2])
  })

  it('says whose documents it could not have, and goes on', async () => {
    const { as, partner } = world.outside
    as.instead.set('/keys', () => new Response('down', { status: 500 }))
    await tick()
    expect(events('documents.not_warmed')).toMatchObject([{ publisher: 'issuer as' }])
    expect(partner.reads).toBe(1)
  })
})
