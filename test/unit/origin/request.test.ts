import { describe, expect, it } from 'vitest'

import type { WithHeaders } from '../../../src/origin/request.ts'
import { createAssertionVerifier } from '../../../src/origin/verifier.ts'
import { FakeSite } from './site.ts'

const site = await FakeSite.make()
const assertion = await site.assertion()
const verifier = createAssertionVerifier(site.options())

async function judged(request: WithHeaders): Promise<string> {
  const verified = await verifier.verifyRequest(request)
  if (verified.ok) return verified.value.subject
  const { refusal } = verified
  return refusal.reason === 'assertion_refused' ? refusal.check : refusal.reason
}

describe('the assertion of a request', () => {
  it('is found in either header, whatever form the server has them in', async () => {
    const authorization = `Bearer ${assertion}`
    const headers = [{ authorization }, { 'sallyport-assertion': assertion }]
    for (const init of headers) {
      expect(await judged(new Request('https://api.example', { headers: init }))).toBe('ada')
      expect(await judged(new Headers(init))).toBe('ada')
      expect(await judged(init)).toBe('ada')
      expect(await judged({ headers: init })).toBe('ada')
    }
    expect(await judged({ Authorization: `bearer   ${assertion} ` })).toBe('ada')
    expect(await judged({ 'Sallyport-Assertion': [assertion] })).toBe('ada')
  })

  it('is the one in our own header where both are there', async () => {
    const own = { 'sallyport-assertion': assertion }
    expect(await judged({ ...own, authorization: 'Bearer x' })).toBe('ada')
    expect(await judged({ ...own, authorization: 'Basic eDp5' })).toBe('ada')
    const bad = { 'sallyport-assertion': 'x', authorization: `Bearer ${assertion}` }
    expect(await judged(bad)).toBe('grammar')
  })

  it('is missing where there is none, or a credential of another kind', async () => {
    expect(await judged({})).toBe('assertion_missing')
    expect(await judged(new Headers())).toBe('assertion_missing')
    expect(await judged({ authorization: 'Basic eDp5' })).toBe('assertion_missing')
    expect(await judged({ authorization: undefined })).toBe('assertion_missing')
    expect(await judged({ headers: `Bearer ${assertion}` })).toBe('assertion_missing')
    expect(await judged({ headers: [`Bearer ${assertion}`] })).toBe('assertion_missing')
  })

  it('is refused where it stands twice, or is broken', async () => {
    const twice = `Bearer ${assertion}, Bearer ${assertion}`
    expect(await judged({ authorization: twice })).toBe('grammar')
    expect(await judged({ 'sallyport-assertion': [assertion, assertion] })).toBe('grammar')
    expect(await judged({ 'sallyport-assertion': `${assertion}, ${assertion}` })).toBe('grammar')
    const spelled = { 'Sallyport-Assertion': assertion, 'sallyport-assertion': assertion }
    expect(await judged(spelled)).toBe('grammar')
    expect(await judged({ authorization: 'Bearer' })).toBe('grammar')
    expect(await judged({ authorization: `Bearer ${assertion} x` })).toBe('grammar')
    expect(await judged({ 'sallyport-assertion': '' })).toBe('grammar')
  })
})
