/**
 * The endpoints under `/auth/operator`, mounted with hono.
 */
import { type Context, Hono } from 'hono'
import { accept, type Denied, type Result } from '../denial.ts'
import type { Visit } from '../http/visit.ts'
import { Operator } from './authorize.ts'
import { listKeys, rollOverKeys, rotateKeys } from './keys.ts'
import { addMark, listMarks, removeMark, showStatus } from './marks.ts'
import type { OperatorServices } from './services.ts'

type Env = { Bindings: { readonly visit: Visit; readonly services: OperatorServices } }
type Endpoint = (
  services: OperatorServices,
  visit: Visit,
  operator: Operator,
) => Promise<Result<Response>>

/** `refuse` renders a denial; it comes from above because the answer depends on the visit alone. */
export function operatorEndpoints(refuse: (visit: Visit, denied: Denied) => Response): Hono<Env> {
  const serve = (endpoint: Endpoint) => async (context: Context<Env>) => {
    const { visit, services } = context.env
    const operator = await Operator.authenticate(services, visit)
    const result = operator.ok ? await endpoint(services, visit, operator.value) : operator
    return result.ok ? result.value : refuse(visit, result)
  }
  const endpoints = new Hono<Env>({
    getPath: (_, options) => pathBelow(options?.env?.visit),
  })
  endpoints.get('/marks', serve(listMarks))
  endpoints.post('/marks', serve(addMark))
  endpoints.delete('/marks', serve(removeMark))
  endpoints.get(
    '/status',
    serve(async (services, visit) => accept(showStatus(services, visit))),
  )
  endpoints.get('/keys', serve(listKeys))
  endpoints.post('/keys/rotate', serve(rotateKeys))
  endpoints.post('/keys/rollover', serve(rollOverKeys))
  const allowed = {
    '/marks': ['GET', 'POST', 'DELETE'],
    '/status': ['GET'],
    '/keys': ['GET'],
    '/keys/rotate': ['POST'],
    '/keys/rollover': ['POST'],
  }
  for (const [path, allow] of Object.entries(allowed)) {
    endpoints.all(path, ({ env }) =>
      refuse(env.visit, { ok: false, denial: { reason: 'method_not_allowed', allow } }),
    )
  }
  endpoints.notFound(({ env }) =>
    refuse(env.visit, { ok: false, denial: { reason: 'route_unknown' } }),
  )
  endpoints.onError((error) => {
    throw error
  })
  return endpoints
}

export const operatorPath = '/operator'

function pathBelow(visit: Visit | undefined): string {
  const length = (visit?.site.basePath.length ?? 0) + operatorPath.length
  return visit?.url.pathname.slice(length) || '/'
}
