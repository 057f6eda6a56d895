/** For Hono: lets a request pass with a verified assertion, which is then `c.var.caller`. */
import type { Context, MiddlewareHandler } from 'hono'
import { answerTo } from './answer.ts'
import type { Refusal, VerifiedAssertion } from './assertion.ts'
import type { AssertionVerifier } from './verifier.ts'

export interface AssertionEnv {
  readonly Variables: { readonly caller: VerifiedAssertion }
}

export interface RequireAssertionOptions {
  /** For the log. */
  readonly onRefusal?: (refusal: Refusal, context: Context) => void
}

/** Answers 401 or 503 itself, and calls nothing behind it then. */
export function requireAssertion(
  verifier: AssertionVerifier,
  { onRefusal }: RequireAssertionOptions = {},
): MiddlewareHandler<AssertionEnv> {
  return async (context, next) => {
    const verified = await verifier.verifyRequest(context.req.raw)
    if (!verified.ok) {
      onRefusal?.(verified.refusal, context)
      const { status, headers, body } = answerTo(verified.refusal)
      return context.body(body, status, headers)
    }
    context.set('caller', verified.value)
    await next()
    return undefined
  }
}
