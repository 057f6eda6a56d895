/**
 * `POST /auth/logout`: ends the session here and at the provider. 200 `{ "logout_url" }` for fetch, 303 for a
 * form. It cannot fail for a person who wants out: whatever is broken, the cookies go.
 */
import { ownHeaders, seeOther } from '../http/answer.ts'
import { audienceOf } from '../http/audience.ts'
import { deleteCookie, type OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { Fault } from '../fault.ts'
import { providerOf } from '../oidc/client.ts'
import { buildEndSessionUrl } from '../oidc/end-session.ts'
import { markOn } from '../revocation/mark.ts'
import { readAccess } from '../session/authenticate.ts'
import { parseRefreshCookie } from '../session/refresh-cookie.ts'
import type { EndAuthority, Ended } from '../session/sessions.ts'
import { presentSession } from './present-session.ts'
import type { LoginServices } from './services.ts'

export async function logout(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Response> {
  const { request, site, url } = visit
  if (new URLSearchParams(url.search).get('everywhere') === 'true')
    await markEverywhere(services, visit, cookies)
  const authority = await endAuthority(services, visit, cookies)
  const ended = authority === undefined ? undefined : await end(services, visit, authority)
  if (ended !== undefined) services.log('info', 'logout.completed', { site: site.id })
  // The object has set the mark: this isolate, at least, knows of it before it answers.
  await services.revocations.catchUp()
  const location = await logoutUrl(services, visit, ended?.idToken)
  const deletions = [site.cookies.access, site.cookies.refresh].map((name) =>
    deleteCookie(name, site.cookies),
  )
  if (audienceOf(request) === 'navigation') return seeOther(location, deletions)
  const headers = ownHeaders()
  for (const deletion of deletions) headers.append('set-cookie', deletion)
  return Response.json({ logout_url: new URL(location, url.href).href }, { headers })
}

/**
 * Marks every session and token of the person at this site that was issued until now. Not swallowed where it fails: who
 * signs out everywhere has to know that it did not happen.
 */
async function markEverywhere(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<void> {
  const { site } = visit
  const present = await presentSession(services, visit, cookies)
  if (present === undefined) return
  const { issuer, subject } = present.identity
  const said = { before: 'now', reason: 'signed out everywhere', by: 'the person' } as const
  await services.revocations.add([markOn(site, { kind: 'subject', issuer, id: subject }, said)])
  services.log('info', 'logout.everywhere', { site: site.id })
}

/** A person who wants out is let out: what cannot be ended is logged, and still the cookies go. */
async function end(
  services: LoginServices,
  { site }: Visit,
  authority: EndAuthority,
): Promise<Ended | undefined> {
  try {
    return await services.sessions.end(site, authority, true)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    services.log('error', 'logout.session_not_ended', { site: site.id, kind: error.kind })
    return undefined
  }
}

async function endAuthority(
  services: LoginServices,
  { site, now }: Visit,
  cookies: OwnCookies,
): Promise<EndAuthority | undefined> {
  const access = await readAccess(services, site, cookies, now)
  if (access.ok) return { kind: 'access', sessionId: access.value.identity.sessionId }
  const cookie = parseRefreshCookie(cookies.refresh ?? '')
  return cookie === undefined ? undefined : { kind: 'refresh', cookie }
}

/** The provider's logout, or our own page where it has none or cannot be asked. */
async function logoutUrl(
  services: LoginServices,
  { site, url }: Visit,
  idTokenHint: string | undefined,
): Promise<string> {
  const postLogoutRedirectUri = url.origin + site.logout.returnTo
  // Without a session there is nothing to end at the provider.
  if (idTokenHint === undefined) return postLogoutRedirectUri
  try {
    const provider = providerOf(site)
    const metadata = await services.directory.metadata(provider)
    const logoutAddress = buildEndSessionUrl(provider, metadata, {
      idTokenHint,
      postLogoutRedirectUri,
    })
    return logoutAddress ?? postLogoutRedirectUri
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    services.log('warn', 'logout.provider_skipped', { site: site.id, kind: error.kind })
    return postLogoutRedirectUri
  }
}
