/**
 * The endpoints under the base path, mounted with hono. Each gives a Response or a denial; `app.ts` turns a
 * denial into an answer.
 */
import { type Context, Hono } from 'hono'
import { accept, type Denial, deny, type Result } from '../denial.ts'
import { type OwnCookies, readOwnCookies } from '../http/cookie.ts'
import { checkSameOrigin, needsSameOrigin } from '../http/cross-site.ts'
import type { Visit } from '../http/visit.ts'
import { beginLogin } from './begin.ts'
import { finishLogin } from './callback.ts'
import { registerDevice, registrationPath, renewByDevice } from './device-session.ts'
import { endDevice, endOtherDevices, listDevices } from './devices.ts'
import { logout } from './logout.ts'
import { backchannelLogout, frontchannelLogout, receiveEvent } from './logout-events.ts'
import { refresh } from './refresh.ts'
import { revoke } from './revoke.ts'
import type { LoginServices } from './services.ts'
import { who } from './who.ts'

type Env = { Bindings: { readonly visit: Visit; readonly services: LoginServices } }
type Refuse = (visit: Visit, denial: Denial) => Response
type Endpoint = (
  services: LoginServices,
  visit: Visit,
  cookies: OwnCookies,
) => Promise<Result<Response>>

/** `refuse` renders a denial; it comes from above because the answer depends on the visit alone. */
export function loginEndpoints(refuse: Refuse): Hono<Env> {
  const serve = (endpoint: Endpoint) => async (context: Context<Env>) => {
    const { visit, services } = context.env
    const result = await run(endpoint, services, visit)
    return result.ok ? result.value : refuse(visit, result.denial)
  }
  const endpoints = new Hono<Env>({
    getPath: (request, options) => ownPath(request, options?.env?.visit),
  })
  endpoints.get('/login', serve(beginLogin))
  endpoints.on(['GET', 'POST'], '/callback', serve(finishLogin))
  endpoints.get('/session', serve(who))
  endpoints.post('/refresh', serve(sameOrigin(refresh)))
  endpoints.post('/logout', serve(sameOrigin(async (...visit) => accept(await logout(...visit)))))
  endpoints.get('/sessions', serve(listDevices))
  endpoints.delete('/sessions', serve(sameOrigin(endOtherDevices)))
  endpoints.delete('/sessions/:id', serve(sameOrigin(endDevice)))
  endpoints.post('/backchannel-logout', serve(backchannelLogout))
  endpoints.get('/frontchannel-logout', serve(frontchannelLogout))
  endpoints.post('/events', serve(receiveEvent))
  endpoints.post('/revoke', serve(revoke))
  endpoints.post(registrationPath, serve(registerDevice))
  endpoints.post('/device-session/:session', serve(renewByDevice))
  const allowed = {
    '/login': 'GET',
    '/session': 'GET',
    '/refresh': 'POST',
    '/logout': 'POST',
    '/callback': 'GET, POST',
    '/backchannel-logout': 'POST',
    '/frontchannel-logout': 'GET',
    '/events': 'POST',
    '/revoke': 'POST',
    '/sessions': 'GET, DELETE',
    '/sessions/:id': 'DELETE',
    '/device-session/:session': 'POST',
  }
  for (const [path, allow] of Object.entries(allowed)) {
    endpoints.all(path, ({ env }) =>
      refuse(env.visit, { reason: 'method_not_allowed', allow: allow.split(', ') }),
    )
  }
  endpoints.notFound(({ env }) => refuse(env.visit, { reason: 'route_unknown' }))
  endpoints.onError((error) => {
    throw error
  })
  return endpoints
}

async function run(
  endpoint: Endpoint,
  services: LoginServices,
  visit: Visit,
): Promise<Result<Response>> {
  const cookies = readOwnCookies(visit.request.headers.get('cookie'), visit.site.cookies)
  return cookies.ok ? endpoint(services, visit, cookies.value) : cookies
}

/** For what acts on a cookie's authority. Not the callback: `state` and its cookie are that one's defence. */
function sameOrigin(endpoint: Endpoint): Endpoint {
  return async (services, visit, cookies) => {
    if (needsSameOrigin(visit.request)) {
      const checked = checkSameOrigin(visit.request.headers, visit.url.origin)
      if (!checked.ok) return deny(checked.denial)
    }
    return endpoint(services, visit, cookies)
  }
}

/** The path below the site's base path. */
function ownPath(request: Request, visit: Visit | undefined): string {
  const path = visit?.url.pathname ?? new URL(request.url).pathname
  return path.slice(visit?.site.basePath.length ?? 0) || '/'
}
