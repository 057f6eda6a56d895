import { createHash, randomBytes } from 'node:crypto'

import { decodeProtectedHeader } from 'jose'
import { expect, it } from 'vitest'

import { makeKeys } from '../../examples/demo/provider.ts'
import { journey } from '../browser/journey.ts'
import { machineToken, tokenFrom } from './machine.ts'
import { fillSignInForm, me, newPerson, signIn } from './person.ts'
import { appCallback, aWorld, type World } from './world.ts'

interface Seen {
  readonly status: number
  readonly identity?: Readonly<Record<string, unknown>>
  readonly reason?: string
}

async function call({ site }: World, token: string): Promise<Seen> {
  const response = await fetch(`${site}/api/me`, { headers: { authorization: `Bearer ${token}` } })
  const answer = (await response.json()) as Omit<Seen, 'status'>
  return { ...answer, status: response.status }
}

journey('Tokens of the real provider', (browser) => {
  const world = aWorld()

  it('let a machine in, signed or opaque, and the API learns which', async () => {
    const signed = await machineToken(world())
    expect(decodeProtectedHeader(signed).typ).toBe('at+jwt')
    expect(await call(world(), signed)).toMatchObject({
      status: 200,
      identity: { caller: 'machine', sub: 'sallyport-machine', scope: 'orders' },
    })
    const opaque = await machineToken(world(), 'opaque-machine')
    expect(opaque).not.toContain('.')
    expect(await call(world(), opaque)).toMatchObject({
      status: 200,
      identity: { caller: 'machine', client_id: 'opaque-machine' },
    })
    expect(await call(world(), `${opaque}x`)).toMatchObject({
      status: 401,
      reason: 'token_refused',
    })
    const spoilt = `${signed.slice(0, -4)}${signed.endsWith('AAAA') ? 'BBBB' : 'AAAA'}`
    expect(await call(world(), spoilt)).toMatchObject({ status: 401, reason: 'token_refused' })
  })

  it('let a person in who uses an app, on the route that browsers use too', async () => {
    const page = await newPerson(browser())
    await page.route(`${appCallback}**`, (route) => route.fulfill({ body: 'back in the app' }))
    const verifier = randomBytes(32).toString('base64url')
    const asked = new URLSearchParams({
      client_id: 'mobile-app',
      response_type: 'code',
      redirect_uri: appCallback,
      scope: 'openid orders',
      resource: `${world().site}/api`,
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    })
    await page.goto(`${world().provider.issuer}/auth?${asked.toString()}`)
    await fillSignInForm(page, 'grace')
    await page.waitForURL(`${appCallback}**`)
    const token = await tokenFrom(world(), undefined, {
      client_id: 'mobile-app',
      grant_type: 'authorization_code',
      code: new URL(page.url()).searchParams.get('code') ?? '',
      redirect_uri: appCallback,
      code_verifier: verifier,
      resource: `${world().site}/api`,
    })
    expect(await call(world(), token)).toMatchObject({
      status: 200,
      identity: { caller: 'bearer', sub: 'grace', client_id: 'mobile-app', scope: 'orders' },
    })

    const other = await newPerson(browser())
    await signIn(other, world().site, 'ada')
    expect((await me(other)).identity).toMatchObject({ caller: 'session', sub: 'ada' })
  })

  it('are refused as access tokens where they are for another API, or are ID tokens', async () => {
    const honest = { grant_type: 'client_credentials', resource: `${world().site}/api` }
    const machine = 'sallyport-machine'
    expect(await call(world(), await tokenFrom(world(), machine, honest))).toMatchObject({
      status: 200,
    })
    const elsewhere = { ...honest, resource: 'https://elsewhere.example/api' }
    const token = await tokenFrom(world(), machine, elsewhere)
    expect(await call(world(), token)).toMatchObject({ status: 401, reason: 'token_refused' })
    expect(world().log.some((line) => line.includes('"check":"audience"'))).toBe(true)
  })
})

journey('A provider that changes its keys, and goes away', () => {
  const world = aWorld()

  it('loses no request', async () => {
    const statuses: number[] = []
    const calls = async (tokens: readonly string[]) => {
      const answers = await Promise.all(tokens.map((token) => call(world(), token)))
      statuses.push(...answers.map(({ status }) => status))
    }
    const before = await makeKeys()
    await world().restartProvider(before)
    const old = await machineToken(world())
    await calls([old, old])
    const after = await makeKeys()
    // As providers do it: the new key signs, the old one is still published.
    await new Promise((resolve) => setTimeout(resolve, 5500))
    await world().restartProvider([...after, ...before])
    const reads = world().provider.counts.jwks
    const fresh = await machineToken(world())
    expect(decodeProtectedHeader(fresh).kid).not.toBe(decodeProtectedHeader(old).kid)
    await calls(Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? old : fresh)))
    expect(world().provider.counts.jwks - reads).toBe(1)

    // Nobody is asked for what is known.
    await world().provider.close()
    await calls([old, fresh, old, fresh])
    expect(new Set(statuses)).toEqual(new Set([200]))
    expect(
      world().log.filter((line) => line.includes('issuer.key_appeared')).length,
    ).toBeGreaterThan(0)
  })
})
