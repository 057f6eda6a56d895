/**
 * `GET /auth/login?return_to=&prompt=&max_age=&acr_values=`: starts a login.
 */
import { accept, deny, type Result } from '../denial.ts'
import { sha256 } from '../digest.ts'
import { seeOther } from '../http/answer.ts'
import type { OwnCookies } from '../http/cookie.ts'
import { readReturnTo } from '../http/return-to.ts'
import type { Visit } from '../http/visit.ts'
import { buildAuthorizationUrl } from '../oidc/authorization.ts'
import { providerOf } from '../oidc/client.ts'
import { proofKeyFor } from '../oidc/dpop.ts'
import { readAccess } from '../session/authenticate.ts'
import { parseRefreshCookie, type SessionId } from '../session/refresh-cookie.ts'
import type { LoginServices } from './services.ts'
import { loginCookies, sealTransaction } from './transaction.ts'

export async function beginLogin(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const { site, url, now } = visit
  const asked = readLoginRequest(new URLSearchParams(url.search))
  if (!asked.ok) return asked
  const returnTo = readReturnTo(asked.value.returnTo, site.login.returnTo, site)
  if (!returnTo.ok) return returnTo

  const provider = providerOf(site)
  const metadata = await services.directory.metadata(provider)
  const browser = services.random(32)
  const login = {
    id: services.random(9),
    redirectUri: `${url.origin}${site.basePath}/callback`,
    nonce: services.random(24),
    codeVerifier: services.random(32),
    maxAge: asked.value.maxAge,
    acrValues: asked.value.acrValues,
    proofKey: await proofKeyFor(provider),
  }
  const state = await sealTransaction(services.seal, site, {
    ...login,
    provider: provider.id,
    returnTo: returnTo.value,
    browser: await sha256(browser),
    sessionId: await presentSessionId(services, visit, cookies),
    startedAt: now,
  })
  const location = await buildAuthorizationUrl(
    provider,
    metadata,
    { ...login, state, prompt: asked.value.prompt },
    services.outbound,
  )
  return accept(seeOther(location, loginCookies(site, cookies, login.id, browser)))
}

/** Which session the browser shows; whether it is a live one is the callback's to ask. */
async function presentSessionId(
  services: LoginServices,
  { site, now }: Visit,
  cookies: OwnCookies,
): Promise<SessionId | undefined> {
  const access = await readAccess(services, site, cookies, now)
  if (access.ok) return access.value.identity.sessionId
  return parseRefreshCookie(cookies.refresh ?? '')?.sessionId
}

interface LoginRequest {
  readonly returnTo: string | null
  readonly prompt: string | undefined
  readonly maxAge: number | undefined
  readonly acrValues: string | undefined
}

/** Reads what the page may ask for; anything else in the query is nobody's and ignored. */
function readLoginRequest(query: URLSearchParams): Result<LoginRequest> {
  for (const parameter of ['return_to', 'prompt', 'max_age', 'acr_values']) {
    // attack: duplicate-parameter
    if (query.getAll(parameter).length > 1)
      return deny({ reason: 'parameter_duplicated', parameter })
  }
  const prompt = query.get('prompt') ?? undefined
  if (
    prompt !== undefined &&
    !/^(?:none|(?:login|consent|select_account)(?: (?:login|consent|select_account))*)$/.test(
      prompt,
    )
  ) {
    return deny({ reason: 'parameter_malformed', parameter: 'prompt' })
  }
  const maxAge = query.get('max_age') ?? undefined
  if (maxAge !== undefined && !/^[0-9]{1,9}$/.test(maxAge)) {
    return deny({ reason: 'parameter_malformed', parameter: 'max_age' })
  }
  const acrValues = query.get('acr_values') ?? undefined
  if (acrValues !== undefined && !/^[!-~]{1,256}(?: [!-~]{1,256}){0,9}$/.test(acrValues)) {
    return deny({ reason: 'parameter_malformed', parameter: 'acr_values' })
  }
  return accept({
    returnTo: query.get('return_to'),
    prompt,
    maxAge: maxAge === undefined ? undefined : Number(maxAge),
    acrValues,
  })
}
