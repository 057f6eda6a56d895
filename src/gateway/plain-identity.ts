/**
 * The caller in plain headers, for origins behind a proxy that cannot verify an assertion. Whoever reaches such an origin
 * without the proxy is whoever they say.
 */
import type { Caller } from './authorize.ts'

/** Adds nothing for an anonymous caller; nor what a header could not hold as it is. */
export function addPlainIdentity(headers: Headers, caller: Caller): void {
  if (caller.kind === 'anonymous') return
  for (const [name, value] of Object.entries(partsOf(caller))) {
    if (value !== undefined && /^[!-~](?:[ -~]*[!-~])?$/.test(value))
      headers.set(`sallyport-${name}`, value)
  }
}

function partsOf(
  caller: Exclude<Caller, { readonly kind: 'anonymous' }>,
): Readonly<Record<string, string | undefined>> {
  const { kind } = caller
  if (kind === 'session') {
    const { issuer, subject, sessionId: session, scope } = caller.identity
    return { caller: kind, issuer, subject, session, scope }
  }
  const { issuer, principal: subject, clientId: client, scopes } = caller.token
  return { caller: kind, issuer, subject, client, scope: [...scopes].join(' ') }
}
