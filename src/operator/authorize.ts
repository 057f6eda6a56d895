/**
 * Who may act as an operator of a site: a token that satisfies the site's operator rule, asked of the authority each
 * time. A page in somebody's browser cannot act for them: no cookie counts here.
 */
import { accept, deny, type Result } from '../denial.ts'
import { judgedOf, revocableOf } from '../gateway/authorize.ts'
import { BearerCaller } from '../gateway/bearer-caller.ts'
import { judge } from '../gateway/rule.ts'
import type { CallerServices } from '../gateway/services.ts'
import { readBearer } from '../http/bearer.ts'
import type { Visit } from '../http/visit.ts'

/** Proof that an operator's token was verified. Only this module makes one. */
export class Operator {
  /** For the audit: issuer and principal. */
  readonly name: string
  readonly #verified = true

  private constructor(name: string) {
    this.name = name
  }

  get verified(): boolean {
    return this.#verified
  }

  /** `route_unknown` where the site has no operators. attack: operator-by-cookie */
  static async authenticate(services: CallerServices, visit: Visit): Promise<Result<Operator>> {
    const { site, request, url, now } = visit
    if (site.operator === undefined) return deny({ reason: 'route_unknown' })
    const token = readBearer(request, url)
    if (!token.ok) return token
    if (token.value === undefined) return deny({ reason: 'token_missing' }, 'Bearer')
    const caller = await BearerCaller.authenticate(services, visit, site.operator, token.value)
    if (!caller.ok) {
      if (caller.denial.reason === 'rate_limited') return caller
      return deny(caller.denial, 'Bearer error="invalid_token"')
    }
    if (await services.revocations.isRevoked(revocableOf(caller.value, visit), strict))
      return deny({ reason: 'token_revoked' }, 'Bearer error="invalid_token"')
    const denial = judge(site.operator, judgedOf(caller.value, visit), now)
    if (denial !== undefined) return deny(denial, 'Bearer error="insufficient_scope"')
    const { issuer, principal } = caller.value.token
    return accept(new Operator(`${issuer} ${principal}`))
  }
}

const strict = { bound: 10, whenUnsure: 'closed', strict: true, watchConnections: true } as const
