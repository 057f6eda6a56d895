import { beforeEach, describe, expect, it } from 'vitest'

import { passGateway } from '../../../src/gateway/gateway.ts'
import { makePorts, type Ports, visit } from '../world/ports.ts'
import { siteOf } from '../world/vars.ts'

const upstream = { url: 'https://app.internal.example' }
const policy = "default-src 'self'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'"
const routes = [
  { path: '/*', access: 'public', upstream },
  { path: '/own/*', access: 'public', upstream, page_headers: false },
]
const siteWith = (headers: Record<string, unknown>) =>
  siteOf({ site: { routes, page_headers: headers } })

let ports: Ports

beforeEach(() => {
  ports = makePorts()
})

async function answerOf(
  headers: Record<string, string>,
  site = siteWith({ content_security_policy: policy }),
  path = '/',
  sent: Record<string, string> = {},
) {
  ports.answer = () => new Response('x', { headers })
  const passed = await passGateway(ports, { ...visit(path, { headers: sent }), site })
  if (!passed.ok) throw new Error(passed.denial.reason)
  return passed.value
}

const page = { 'content-type': 'text/html; charset=utf-8' }
const csp = 'content-security-policy'

describe('a page', () => {
  it('gets what the origin did not say', async () => {
    const site = siteWith({ permissions_policy: 'camera=()' })
    expect(Object.fromEntries((await answerOf({ ...page, etag: '"1"' }, site)).headers)).toEqual({
      ...page,
      etag: '"1"',
      [csp]: "frame-ancestors 'none'",
      'cross-origin-opener-policy': 'same-origin',
      'permissions-policy': 'camera=()',
      'referrer-policy': 'strict-origin-when-cross-origin',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
    })
    // What is no page gets what concerns it
    expect(
      Object.fromEntries((await answerOf({ 'content-type': 'image/png' }, site)).headers),
    ).toEqual({
      'content-type': 'image/png',
      'strict-transport-security': 'max-age=31536000',
      'x-content-type-options': 'nosniff',
    })
    for (const type of ['image/svg+xml', 'application/xhtml+xml', 'TEXT/HTML', 'text/xml'])
      expect((await answerOf({ 'content-type': type }, site)).headers.get(csp), type).toContain(
        'none',
      )
  })

  it('keeps what the origin says itself', async () => {
    const own = {
      ...page,
      'cross-origin-opener-policy': 'unsafe-none',
      'referrer-policy': 'no-referrer',
      'strict-transport-security': 'max-age=1',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
      [csp]: "script-src 'self'",
    }
    const answer = await answerOf(own)
    expect(Object.fromEntries(answer.headers)).toEqual(own)
    expect(await answer.text()).toBe('x')
    // Frames are a rule of their own: a policy without one is joined by ours, one with it is not
    expect((await answerOf({ ...page, [csp]: "script-src 'self'" })).headers.get(csp)).toBe(
      "script-src 'self', frame-ancestors 'none'",
    )
    const framed = await answerOf({ ...page, [csp]: 'frame-ancestors https://a.example' })
    expect(framed.headers.get(csp)).toBe('frame-ancestors https://a.example')
    expect(framed.headers.get('x-frame-options')).toBeNull()
  })

  it('is left alone where the route says so', async () => {
    expect((await answerOf(page)).headers.has(csp)).toBe(true)
    const left = await answerOf(page, undefined, '/own/x')
    expect(Object.fromEntries(left.headers)).toEqual(page)
    expect(
      Object.fromEntries((await answerOf(page, siteOf({ site: { routes } }))).headers),
    ).toEqual(page)
  })

  it('is framed by whom the site names', async () => {
    const framed = async (ancestors: string[]) => {
      const { headers } = await answerOf(page, siteWith({ frame_ancestors: ancestors }))
      return [headers.get(csp), headers.get('x-frame-options')]
    }
    expect(await framed(['none'])).toEqual(["frame-ancestors 'none'", 'DENY'])
    expect(await framed(['self'])).toEqual(["frame-ancestors 'self'", 'SAMEORIGIN'])
    expect(await framed(['self', 'https://a.example'])).toEqual([
      "frame-ancestors 'self' https://a.example",
      null,
    ])
  })

  it('has a nonce of its own, that no cache gives to the next reader', async () => {
    const cacheable = {
      ...page,
      'cache-control': 'public, max-age=600',
      'cdn-cache-control': 'max-age=600',
      etag: '"1"',
      expires: 'Thu, 01 Jan 2099 00:00:00 GMT',
      'last-modified': 'x',
    }
    const plain = siteWith({ content_security_policy: "script-src 'self'" })
    expect((await answerOf(cacheable, plain)).headers.get('cache-control')).toBe(
      'public, max-age=600',
    )
    const seen = new Set<string>()
    for (let i = 0; i < 3; i += 1) {
      const answer = await answerOf(cacheable)
      const [, nonce = ''] = /script-src 'nonce-([^']+)'/.exec(answer.headers.get(csp) ?? '') ?? []
      expect(answer.headers.get(csp)).toBe(
        `default-src 'self'; script-src 'nonce-${nonce}'; style-src 'nonce-${nonce}'; frame-ancestors 'none'`,
      )
      expect(await answer.text()).toBe(`${nonce} in the tags`)
      expect(answer.headers.get('cache-control')).toBe('private, no-store')
      for (const name of ['etag', 'last-modified', 'expires', 'cdn-cache-control'])
        expect(answer.headers.get(name), name).toBeNull()
      seen.add(nonce)
    }
    expect(seen.size).toBe(3)
    expect(seen).not.toContain('')
  })

  it('in an encoding that cannot be opened keeps its tags, and its policy', async () => {
    const opened = await answerOf({ ...page, 'content-encoding': 'gzip' })
    expect(await opened.text()).toContain('in the tags')
    const closed = await answerOf({ ...page, 'content-encoding': 'zstd' })
    expect(closed.headers.get(csp)).toContain('nonce-')
    expect(closed.headers.get('cache-control')).toBe('private, no-store')
    expect(await closed.text()).toBe('x')
    expect(await (await answerOf({ 'content-type': 'image/svg+xml' })).text()).toBe('x')
  })

  it('is asked for whole where it gets a nonce', async () => {
    const partial = { 'if-none-match': '"1"', range: 'bytes=0-5' }
    await answerOf(page, siteWith({}), '/', { ...partial, accept: 'text/html' })
    expect(Object.fromEntries(ports.sent[0]!.headers)).toMatchObject(partial)
    for (const asked of [
      { accept: 'text/html' },
      { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'iframe' },
    ]) {
      await answerOf(page, undefined, '/', { ...partial, ...asked })
      const { headers } = ports.sent.at(-1)!
      expect([headers.get('if-none-match'), headers.get('range')]).toEqual([null, null])
    }
    await answerOf({ 'content-type': 'video/mp4' }, undefined, '/', partial)
    expect(ports.sent.at(-1)!.headers.get('range')).toBe('bytes=0-5')
  })
})
