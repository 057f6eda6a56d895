/** For Fastify: a hook that lets a request pass with a verified assertion, which is then `request.user`. */
import type { FastifyReply, FastifyRequest } from 'fastify'
import { answerTo } from './answer.ts'
import type { Refusal, VerifiedAssertion } from './assertion.ts'
import type { AssertionVerifier } from './verifier.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Set behind `requireAssertion`. */
    user?: VerifiedAssertion
  }
}

export interface RequireAssertionOptions {
  /** For the log. */
  readonly onRefusal?: (refusal: Refusal, request: FastifyRequest) => void
}

/** For `app.addHook('onRequest', …)`, or the `onRequest` of one route. Answers 401 or 503 itself. */
export function requireAssertion(
  verifier: AssertionVerifier,
  { onRefusal }: RequireAssertionOptions = {},
): (request: FastifyRequest, reply: FastifyReply) => Promise<FastifyReply | undefined> {
  return async (request, reply) => {
    const verified = await verifier.verifyRequest(request.headers)
    if (verified.ok) {
      request.user = verified.value
      return undefined
    }
    onRefusal?.(verified.refusal, request)
    const { status, headers, body } = answerTo(verified.refusal)
    return reply
      .code(status)
      .headers({ ...headers })
      .send(body)
  }
}
