/**
 * The one place where a denial or a fault becomes an answer: a table from reason to the wire, and a
 * rendering for each audience. What a row does not say stays in the log.
 *
 * Reasons share a row's text on purpose where the difference would tell an attacker how far a guess got.
 */
import type { Denial, Denied, Reason } from '../denial.ts'
import type { Fault, FaultKind } from '../fault.ts'
import { escapeHtml, ownHeaders, page, pageHeaders } from './answer.ts'
import { audienceOf } from './audience.ts'
import { limitFields } from './rate-limit.ts'

interface Wire {
  readonly status: number
  /** For the person who can mend it. */
  readonly title: string
  /** What a page offers: to sign in, or nothing. */
  readonly offer?: 'sign-in'
}

const signIn = { offer: 'sign-in' } as const
const signInAgain = { status: 401, title: 'You are signed out. Sign in to go on.', ...signIn }
const loginFailed = { status: 400, title: 'Signing in did not work. Begin again.', ...signIn }

const wire = {
  url_ambiguous: { status: 400, title: 'The address can be read in more than one way.' },
  site_unknown: { status: 421, title: 'No site is configured for this host.' },
  scheme_insecure: { status: 400, title: 'This site is served over https only.' },
  headers_too_large: { status: 431, title: 'The request headers are too large.' },
  route_unknown: { status: 404, title: 'There is nothing here.' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here.' },
  body_not_a_form: {
    status: 415,
    title: 'The body must be a small form (application/x-www-form-urlencoded).',
  },
  cross_site: {
    status: 403,
    title:
      'The request does not show that this site sent it. Send it from a page of this origin, or with X-CSRF: 1.',
  },
  cors_origin_unlisted: { status: 403, title: 'Pages of this origin may not use this.' },
  isolated: { status: 403, title: 'Pages of other sites may link here, and do no more.' },
  upgrade_unsupported: { status: 501, title: 'Protocol upgrades are not supported here.' },
  rate_limited: { status: 429, title: 'Too many requests. Try again soon.' },
  session_missing: { status: 401, title: 'Sign in to go on.', ...signIn },
  cookie_duplicated: {
    status: 400,
    title: 'A cookie of this site was sent twice. Clear the cookies of this site.',
  },
  access_cookie_unreadable: signInAgain,
  refresh_cookie_malformed: signInAgain,
  refresh_cookie_unknown: signInAgain,
  refresh_cookie_reused: signInAgain,
  session_unknown: signInAgain,
  session_idle: signInAgain,
  session_expired: signInAgain,
  grant_revoked: signInAgain,
  subject_changed: signInAgain,
  provider_token_over: signInAgain,
  session_revoked: signInAgain,
  session_moved: signInAgain,
  device_proof_missing: signInAgain,
  device_proof_refused: signInAgain,
  device_binding_missing: {
    status: 401,
    title:
      'This site needs a browser that binds a session to its device, such as a current Chrome.',
    ...signIn,
  },
  token_missing: { status: 401, title: 'This needs an access token.' },
  token_malformed: { status: 400, title: 'The Authorization header holds no bearer token.' },
  token_in_query: {
    status: 400,
    title: 'An access token in the address is refused. Send it in the Authorization header.',
  },
  token_in_body: {
    status: 400,
    title: 'An access token in a form is refused. Send it in the Authorization header.',
  },
  credentials_several: {
    status: 400,
    title: 'The request carries more than one credential. Send one: a token or the cookies.',
  },
  token_revoked: { status: 401, title: 'The access token was revoked.' },
  token_refused: { status: 401, title: 'The access token is not accepted here.' },
  caller_kind_refused: { status: 403, title: 'This kind of caller may not do this.' },
  scope_insufficient: { status: 403, title: 'The scope does not suffice.' },
  claims_insufficient: { status: 403, title: 'You may not do this.' },
  exchange_refused: {
    status: 403,
    title: 'The sign-in service gives no access to what lies behind this address.',
  },
  client_refused: { status: 403, title: 'This client may not do this.' },
  authentication_insufficient: {
    status: 401,
    title: 'This needs a more recent or a stronger sign-in. Sign in again.',
    ...signIn,
  },
  mark_unknown: { status: 404, title: 'There is no such mark.' },
  keys_in_custody: {
    status: 409,
    title: 'The keys of this site are in custody: change them there, then in the configuration.',
  },
  signing_key_unknown: { status: 404, title: 'The site has no such key.' },
  rotation_too_early: {
    status: 409,
    title: 'Origins may not know the next key yet. For a compromised key, use rollover.',
  },
  event_refused: { status: 400, title: 'The event is not accepted.' },
  original_refused: { status: 400, title: 'The proxy does not say clearly what was asked for.' },
  return_to_foreign: { status: 400, title: 'return_to must be a path inside this site.' },
  parameter_malformed: { status: 400, title: 'A parameter is malformed.' },
  parameter_duplicated: { status: 400, title: 'A parameter stands more than once.' },
  state_missing: loginFailed,
  state_unreadable: loginFailed,
  login_expired: { status: 400, title: 'Signing in took too long. Begin again.', ...signIn },
  login_cookie_missing: {
    status: 400,
    title: 'Signing in was begun in another browser, or cookies are blocked. Begin again here.',
    ...signIn,
  },
  login_cookie_mismatch: {
    status: 400,
    title: 'Signing in was begun in another browser, or cookies are blocked. Begin again here.',
    ...signIn,
  },
  code_missing: loginFailed,
  code_refused: loginFailed,
  login_denied: { status: 403, title: 'Signing in was declined.', ...signIn },
  response_issuer_mismatch: loginFailed,
  id_token_missing: loginFailed,
  id_token_refused: loginFailed,
  signature_refused: loginFailed,
} as const satisfies Record<Reason, Wire>

const faults = {
  configuration: {
    status: 503,
    title: 'This site is not configured correctly. Its operator finds the problems in the log.',
  },
  provider_unreachable: {
    status: 503,
    title: 'The sign-in service cannot be reached. Try again soon.',
  },
  provider_slow: { status: 503, title: 'The sign-in service does not answer. Try again soon.' },
  provider_failed: { status: 503, title: 'The sign-in service failed. Try again soon.' },
  provider_malformed: {
    status: 502,
    title: 'The sign-in service answered with something that cannot be used.',
  },
  provider_misconfigured: {
    status: 503,
    title: 'The sign-in service and this site do not agree. An operator must look.',
  },
  upstream_unreachable: { status: 502, title: 'The service behind this site cannot be reached.' },
  upstream_slow: { status: 504, title: 'The service behind this site does not answer.' },
  upstream_idle: {
    status: 504,
    title: 'Nothing came or went for too long on the way to the service behind this site.',
  },
  upstream_misconfigured: { status: 503, title: 'This site is not configured correctly.' },
  upstream_proof_refused: {
    status: 503,
    title: 'The service behind this site did not accept our proof. Try again soon.',
  },
  custody_unreachable: {
    status: 503,
    title: 'The service that signs for this site cannot be reached. Try again soon.',
  },
  custody_refused: {
    status: 503,
    title: 'The service that signs for this site refuses. An operator must look.',
  },
  custody_malformed: {
    status: 503,
    title: 'The service that signs for this site gives what cannot be used. An operator must look.',
  },
  storage_failed: { status: 503, title: 'Storage failed. Try again.' },
  revocation_unknown: {
    status: 503,
    title: 'It cannot be told whether access was withdrawn. Try again soon.',
  },
  internal: { status: 500, title: 'Something broke here.' },
} as const satisfies Record<FaultKind, Wire>

/** Seconds that a client is asked to wait after a 503. */
const retryAfter = '10'

/** Where to sign in, for the page's link and the 401 body. */
export interface SignInPlace {
  readonly loginUrl: string
}

export function refuse(
  request: Request,
  { denial, challenge, cookies = [] }: Omit<Denied, 'ok'>,
  place?: SignInPlace,
): Response {
  const row: Wire = wire[denial.reason]
  const extra: Record<string, string> = {}
  if (challenge !== undefined) extra['www-authenticate'] = challenge
  if (denial.reason === 'method_not_allowed') extra['allow'] = denial.allow.join(', ')
  if (denial.reason === 'rate_limited') Object.assign(extra, limitFields(denial))
  const answer = render(request, row, denial.reason, extra, place, detailOf(denial))
  for (const cookie of cookies) answer.headers.append('set-cookie', cookie)
  return answer
}

export function refuseFault(request: Request, fault: Fault): Response {
  const row: Wire = faults[fault.kind]
  const extra: Record<string, string> = row.status === 503 ? { 'retry-after': retryAfter } : {}
  return render(request, row, fault.kind, extra, undefined, undefined)
}

/** What an arm carries that the caller itself said, or may know, and can mend. */
function detailOf(denial: Denial): string | undefined {
  switch (denial.reason) {
    case 'parameter_malformed':
    case 'parameter_duplicated':
      return `Parameter: ${denial.parameter}.`
    case 'url_ambiguous':
      return `Flaw: ${denial.flaw}.`
    case 'scope_insufficient':
      return `Missing: ${denial.missing.join(' ')}.`
    case 'rotation_too_early':
      return `Possible from: ${String(denial.from)}.`
    default:
      return undefined
  }
}

function render(
  request: Request,
  row: Wire,
  reason: string,
  extra: Readonly<Record<string, string>>,
  place: SignInPlace | undefined,
  detail: string | undefined,
): Response {
  const login = row.offer === 'sign-in' ? place?.loginUrl : undefined
  if (audienceOf(request) === 'navigation') {
    const headers = pageHeaders()
    for (const [name, value] of Object.entries(extra)) headers.set(name, value)
    const link = login === undefined ? '' : `<p><a href="${escapeHtml(login)}">Sign in</a></p>`
    const more = detail === undefined ? '' : `<p>${escapeHtml(detail)}</p>`
    const body = `${more}${link}<p><code>${escapeHtml(reason)}</code></p>`
    return new Response(page(row.title, body), { status: row.status, headers })
  }
  // RFC 9457; `reason` is stable, the texts are not.
  const problem = {
    type: 'about:blank',
    title: row.title,
    status: row.status,
    reason,
    ...(detail === undefined ? {} : { detail }),
    ...(login === undefined ? {} : { login_url: login }),
  }
  const headers = ownHeaders({ 'content-type': 'application/problem+json', ...extra })
  return new Response(JSON.stringify(problem), { status: row.status, headers })
}
