/**
 * A route's limit and its rule: what a request must pass, whoever forwards it then.
 */
import type { Route } from '../config/route.ts'
import type { Result } from '../denial.ts'
import { addressOf } from '../http/address.ts'
import { checkLimit } from '../http/rate-limit.ts'
import type { Visit } from '../http/visit.ts'
import { type Caller, Permit } from './authorize.ts'
import type { CallerServices } from './services.ts'

/** Only routes that ask for a limit wait for one. */
export function admit(
  services: CallerServices,
  visit: Visit,
  route: Route,
): Promise<Result<Permit>> {
  const { rateLimit } = route
  return rateLimit === undefined
    ? Permit.ask(services, visit, route)
    : admitWithin(services, visit, route, rateLimit)
}

async function admitWithin(
  services: CallerServices,
  visit: Visit,
  route: Route,
  rateLimit: NonNullable<Route['rateLimit']>,
): Promise<Result<Permit>> {
  const what = `${route.path} ${[...(route.methods ?? [])].join()}`
  const within = (who: readonly string[]) =>
    checkLimit(services, visit.site, rateLimit.limit, { what, who })
  const address = ['address', addressOf(visit.request)]
  if (rateLimit.per === 'address') {
    // Before any credential is looked at: what is refused here costs nobody anything.
    const checked = await within(address)
    return checked.ok ? Permit.ask(services, visit, route) : checked
  }
  const permit = await Permit.ask(services, visit, route)
  if (!permit.ok) return permit
  const { caller } = permit.value
  const checked = await within(nameOf(caller) ?? address)
  if (checked.ok) return permit
  return caller.kind === 'session' ? { ...checked, cookies: caller.cookies } : checked
}

/** A person is one caller with every session and token; `undefined` where nobody is known. */
function nameOf(caller: Caller): readonly string[] | undefined {
  switch (caller.kind) {
    case 'anonymous':
      return undefined
    case 'session':
      return ['person', caller.identity.issuer, caller.identity.subject]
    case 'bearer':
      return ['person', caller.token.issuer, caller.token.principal]
    case 'machine':
      return ['machine', caller.token.issuer, caller.token.principal]
  }
}
