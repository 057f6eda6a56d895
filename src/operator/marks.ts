/**
 * `/auth/operator/marks`: what is revoked at the site. GET lists, POST adds, DELETE removes; every change is audited.
 */
import { accept, deny, type Result } from '../denial.ts'
import { ownHeaders } from '../http/answer.ts'
import type { Visit } from '../http/visit.ts'
import { forever, markOn, type Mark, type MarkTarget, type NewMark } from '../revocation/mark.ts'
import type { Operator } from './authorize.ts'
import { type Body, isText, readBody } from './body.ts'
import type { OperatorServices } from './services.ts'

export async function listMarks(
  { revocations }: OperatorServices,
  { site }: Visit,
): Promise<Result<Response>> {
  const marks = await revocations.list(site.id)
  return accept(Response.json({ marks: marks.map(describe) }, { headers: ownHeaders() }))
}

/** `{ kind, issuer, id, reason, before?, lasts? }`: 201. */
export async function addMark(
  { revocations, log }: OperatorServices,
  { request, site }: Visit,
  operator: Operator,
): Promise<Result<Response>> {
  const body = await readBody(request)
  if (!body.ok) return body
  const target = readTarget(body.value)
  if (!target.ok) return target
  const said = readSaid(body.value)
  if (!said.ok) return said
  const { before, reason, lasts } = said.value
  const mark = markOn(site, target.value, { before, reason, by: operator.name })
  const keepFor = lasts ?? (before === forever ? century : mark.keepFor)
  // What holds for good holds at the edge too.
  const edgeFor = before === forever ? keepFor : Math.min(mark.edgeFor, keepFor)
  await revocations.add([{ ...mark, keepFor, edgeFor }])
  audit(log, 'operator.mark_added', site.id, target.value, operator, reason)
  return accept(new Response(null, { status: 201, headers: ownHeaders() }))
}

/** The same `{ kind, issuer, id }`: 204, or 404 where there is no such mark. */
export async function removeMark(
  { revocations, log }: OperatorServices,
  { request, site }: Visit,
  operator: Operator,
): Promise<Result<Response>> {
  const body = await readBody(request)
  if (!body.ok) return body
  const target = readTarget(body.value)
  if (!target.ok) return target
  if (!(await revocations.remove(site.id, target.value))) return deny({ reason: 'mark_unknown' })
  audit(log, 'operator.mark_removed', site.id, target.value, operator, '')
  return accept(new Response(null, { status: 204, headers: ownHeaders() }))
}

/** How old this isolate's knowledge is, and how soon it must be renewed. */
export function showStatus({ revocations }: OperatorServices, { site }: Visit): Response {
  const bounds = site.routes.all.map(({ revocation }) => revocation.bound)
  const status = {
    revocation: {
      age_ms: revocations.age() ?? null,
      smallest_bound_ms: Math.min(...bounds) * 1000,
    },
  }
  return Response.json(status, { headers: ownHeaders() })
}

function describe({ target, before, until, reason, by, createdAt }: Mark) {
  return {
    ...target,
    before: before === forever ? 'forever' : before,
    until,
    reason,
    by,
    created_at: createdAt,
  }
}

const kinds = ['token', 'session', 'provider_session', 'subject', 'client', 'signing_key'] as const

function readTarget({ kind, issuer, id }: Body): Result<MarkTarget> {
  if (kind === 'site') return accept({ kind })
  const known = kinds.find((one) => one === kind)
  if (known === undefined) return deny({ reason: 'parameter_malformed', parameter: 'kind' })
  if (!isText(id)) return deny({ reason: 'parameter_malformed', parameter: 'id' })
  if (known === 'session') return accept({ kind: known, id })
  if (!isText(issuer)) return deny({ reason: 'parameter_malformed', parameter: 'issuer' })
  return accept({ kind: known, issuer, id })
}

interface Said {
  readonly before: NewMark['before']
  readonly reason: string
  readonly lasts: number | undefined
}

function readSaid({ before, reason, lasts }: Body): Result<Said> {
  const time = before === undefined ? 'now' : before === 'forever' ? forever : before
  if (time !== 'now' && !isSeconds(time))
    return deny({ reason: 'parameter_malformed', parameter: 'before' })
  if (!isText(reason) || reason.length > 200)
    return deny({ reason: 'parameter_malformed', parameter: 'reason' })
  if (lasts !== undefined && !isSeconds(lasts))
    return deny({ reason: 'parameter_malformed', parameter: 'lasts' })
  return accept({ before: time, reason, lasts })
}

/** Seconds: longer than anything here is kept. */
const century = 3_000_000_000

function isSeconds(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) > 0 && Number(value) <= forever
}

function audit(
  log: OperatorServices['log'],
  event: string,
  site: string,
  target: MarkTarget,
  operator: Operator,
  reason: string,
): void {
  log('warn', event, { site, by: operator.name, ...target, reason })
}
