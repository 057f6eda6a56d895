/** For Express: lets a request pass with a verified assertion, which is then `request.auth`. */
import type { Request, RequestHandler } from 'express'
import { answerTo } from './answer.ts'
import type { Refusal, VerifiedAssertion } from './assertion.ts'
import type { AssertionVerifier } from './verifier.ts'

declare global {
  namespace Express {
    interface Request {
      /** Set behind `requireAssertion`. */
      auth?: VerifiedAssertion
    }
  }
}

export interface RequireAssertionOptions {
  /** For the log. */
  readonly onRefusal?: (refusal: Refusal, request: Request) => void
}

/** Answers 401 or 503 itself, and calls nothing behind it then. */
export function requireAssertion(
  verifier: AssertionVerifier,
  { onRefusal }: RequireAssertionOptions = {},
): RequestHandler {
  return async (request, response, next) => {
    try {
      const verified = await verifier.verifyRequest(request.headers)
      if (!verified.ok) {
        onRefusal?.(verified.refusal, request)
        const { status, headers, body } = answerTo(verified.refusal)
        response.status(status).set(headers).send(body)
        return
      }
      request.auth = verified.value
    } catch (error) {
      // Express 4 does not look at a handler's promise.
      next(error)
      return
    }
    next()
  }
}
