/**
 * Who calls the demo's API: it trusts no plain header, only the assertion, which it checks against the key that the
 * Worker publishes.
 */
import type { IncomingMessage } from 'node:http'

import { type RefusalAnswer, answerTo } from '../../src/origin/answer.ts'
import type { Verification, VerifiedAssertion } from '../../src/origin/assertion.ts'
import { createAssertionVerifier } from '../../src/origin/verifier.ts'

export type Verify = (request: IncomingMessage) => Promise<Verification>

/** The verifier is made at the first request: the site's address is known once the Worker runs. */
export function verifierOf(site: () => string, audience: string): Verify {
  let verifier: ReturnType<typeof createAssertionVerifier> | undefined
  return (request) => {
    verifier ??= createAssertionVerifier({ site: site(), audience })
    return verifier.verifyRequest(request)
  }
}

export type Called = { readonly caller: Caller } | { readonly refused: RefusalAnswer }

/** What the demo tells people of themselves. */
export interface Caller {
  readonly sub: string
  readonly name: string
}

/** The caller, whom the endpoint needs; or what to answer in their place. */
export async function callerOf(request: IncomingMessage, verify: Verify): Promise<Called> {
  const verified = await verify(request)
  return verified.ok ? { caller: named(verified.value) } : { refused: answerTo(verified.refusal) }
}

function named({ subject, claims }: VerifiedAssertion): Caller {
  const name = claims['name']
  return { sub: subject, name: typeof name === 'string' ? name : subject }
}
