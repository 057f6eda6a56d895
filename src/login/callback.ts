/**
 * `GET` or `POST /auth/callback`: ends a login.
 *
 * Order: what came (parameters, `state`, cookie) is judged before the provider is asked anything; the session
 * is made last, and takes the place of one that this browser already had.
 */
import { accept, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { escapeHtml, page, pageHeaders, seeOther } from '../http/answer.ts'
import type { OwnCookies } from '../http/cookie.ts'
import type { Visit } from '../http/visit.ts'
import { readAuthorizationResponse } from '../oidc/authorization.ts'
import { providerOf } from '../oidc/client.ts'
import { proofKeyFor } from '../oidc/dpop.ts'
import { exchangeCode } from '../oidc/tokens.ts'
import { fetchUserinfo } from '../oidc/userinfo.ts'
import { sessionCookies } from '../session/authenticate.ts'
import { registrationChallenge } from '../session/device-challenge.ts'
import { lagOf } from '../session/devices.ts'
import { placeOf } from '../session/place.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import type { Handout } from '../session/sessions.ts'
import { offerRegistration } from './device-session.ts'
import { readForm } from './form.ts'
import { presentSession } from './present-session.ts'
import type { LoginServices } from './services.ts'
import {
  checkBrowser,
  deleteLoginCookie,
  openTransaction,
  type Transaction,
} from './transaction.ts'

export async function finishLogin(
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
): Promise<Result<Response>> {
  const { request, site, url, now } = visit
  const posted = request.method === 'POST'
  const form = posted ? await readForm(request) : accept(new URLSearchParams(url.search))
  if (!form.ok) return form
  const parameters = form.value
  // attack: duplicate-parameter
  if (parameters.getAll('state').length > 1)
    return deny({ reason: 'parameter_duplicated', parameter: 'state' })
  const state = parameters.get('state')
  const transaction = await openTransaction(services.seal, site, state, now)
  if (!transaction.ok) return transaction

  // A form_post arrives from the provider's page: Lax cookies stay at home until our own page posts it again.
  if (posted && !cookies.logins.has(transaction.value.id) && !parameters.has(bounced)) {
    return accept(bouncePage(parameters, services.random(16)))
  }
  const present = await presentSession(services, visit, cookies)
  // Another tab, or this callback before, has finished: the person is where they wanted to be. Nothing is
  // exchanged and nothing changes, so that this needs no cookie of the login.
  if (present !== undefined && present.sessionId !== transaction.value.sessionId) {
    return accept(
      seeOther(
        url.origin + transaction.value.returnTo,
        cookiesToDelete(visit, cookies, transaction.value),
      ),
    )
  }
  const sameBrowser = await checkBrowser(transaction.value, cookies)
  if (!sameBrowser.ok) return sameBrowser
  const finished = await exchange(services, visit, transaction.value, parameters, state ?? '')
  if (!finished.ok) return finished
  // attack: session-fixation
  if (present !== undefined) await services.sessions.end(site, present.authority, false)
  services.log('info', 'login.completed', { site: site.id, provider: providerOf(site).id })
  return finished
}

async function exchange(
  services: LoginServices,
  visit: Visit,
  transaction: Transaction,
  parameters: URLSearchParams,
  state: string,
): Promise<Result<Response>> {
  const { site, url, now } = visit
  const provider = providerOf(site)
  const redirectUri = `${url.origin}${site.basePath}/callback`
  // attack: issuer-mix-up
  if (transaction.provider !== provider.id || transaction.redirectUri !== redirectUri) {
    return deny({ reason: 'state_unreadable', why: 'other_login' })
  }
  parameters.delete(bounced)
  const metadata = await services.directory.metadata(provider)
  const response = readAuthorizationResponse(provider, metadata, parameters, state)
  if (!response.ok) return response
  const parties = { provider, metadata, directory: services.directory, outbound: services.outbound }
  // A login of before the configuration had `dpop` bound its code to nothing, and may do with any key.
  const proofKey = transaction.proofKey ?? (await proofKeyFor(provider))
  const signedIn = await exchangeCode(parties, response.value, { ...transaction, proofKey })
  if (!signedIn.ok) return signedIn
  const { tokens, claims } = signedIn.value
  // A provider need not do what it was asked; what was asked for has to be there. attack: max-age-not-enforced
  const acrValues = transaction.acrValues?.split(' ') ?? []
  if (acrValues.length > 0 && !acrValues.some((acr) => acr === claims['acr']))
    return deny({ reason: 'authentication_insufficient', acrValues, maxAge: transaction.maxAge })
  const userinfo = provider.userinfo ? await fetchUserinfo(parties, tokens, claims.sub) : {}
  const sessionId: SessionId = `ses_${services.random(16)}`
  const handout = await services.sessions.create(
    site,
    sessionId,
    signedIn.value,
    userinfo,
    placeOf(visit.request),
  )
  if (!handout.ok) return handout
  await keepDevice(services, visit, handout.value)
  const cookies = await sessionCookies(services.seal, site, handout.value, now)
  // Absolute, so that no browser can read the path as a host. attack: open-redirect
  const answer = seeOther(url.origin + transaction.returnTo, [
    ...cookies,
    deleteLoginCookie(site, transaction.id),
  ])
  if (site.session.deviceBound !== 'off') {
    const challenge = await registrationChallenge(services.seal, site, sessionId, now)
    answer.headers.set('secure-session-registration', offerRegistration(site, challenge))
  }
  return accept(answer)
}

/** Puts the session on the person's list, and ends those that are too many. The list is no reason to fail a login. */
async function keepDevice(
  { devices, sessions, log }: LoginServices,
  { request, site, now }: Visit,
  { identity, refreshBy }: Handout,
): Promise<void> {
  const { sessionId } = identity
  const { country, browser } = placeOf(request)
  const device = {
    sessionId,
    createdAt: now,
    seenAt: now,
    endsAt: refreshBy + lagOf(site),
    browser,
    country,
  }
  try {
    const tooMany = await devices.add(site, identity, device, site.session.most)
    await Promise.all(
      tooMany.map((id) => sessions.end(site, { kind: 'access', sessionId: id }, true)),
    )
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    log('warn', 'devices.not_kept', { site: site.id, session: sessionId })
  }
}

/** A login that is over needs its cookie no more. */
function cookiesToDelete(
  { site }: Visit,
  cookies: OwnCookies,
  { id }: Transaction,
): readonly string[] {
  return cookies.logins.has(id) ? [deleteLoginCookie(site, id)] : []
}

const bounced = 'sallyport_bounced'

/** Posts the same parameters again, from our own origin. Once: the marker ends the bouncing. */
function bouncePage(parameters: URLSearchParams, nonce: string): Response {
  const fields = [...parameters, [bounced, '1'] as const]
    .map(
      ([name, value]) =>
        `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
    )
    .join('')
  const body =
    `<form method="post">${fields}<button>Continue</button></form>` +
    `<script nonce="${nonce}">document.forms[0].submit()</script>`
  return new Response(page('Signing in', body), { headers: pageHeaders(nonce) })
}
