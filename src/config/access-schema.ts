/**
 * What an operator may write under `routes[].access`: who may pass, as data. Nothing here is evaluated as a
 * program; `gateway/rule.ts` judges by it.
 */
import {
  bound,
  duration,
  either,
  flag,
  list,
  oneOf,
  optional,
  type Parsed,
  scalar,
  table,
} from './field.ts'
import { anyText, identifier, scope } from './words.ts'

/** One statement about a claim: exactly one of `name` and `path`, and at least one operator. */
const condition = table({
  name: optional(anyText, undefined),
  path: optional(list(anyText, 1), undefined),
  equals: optional(scalar(), undefined),
  any: optional(list(scalar(), 1), undefined),
  all: optional(list(scalar(), 1), undefined),
  contains: optional(scalar(), undefined),
  present: optional(flag(), undefined),
  min: optional(bound(), undefined),
  max: optional(bound(), undefined),
})

const conditions = optional(list(condition, 1), [])

export const rule = table({
  any: list(oneOf(['anonymous', 'session', 'bearer', 'machine']), 1),
  issuers: optional(list(identifier, 1), undefined),
  audience: optional(
    either({ when: (value) => typeof value === 'string', field: anyText }, list(anyText, 1)),
    undefined,
  ),
  scopes: optional(list(scope, 1), []),
  scopes_any: optional(list(scope, 1), []),
  claims: conditions,
  claims_any: conditions,
  claims_none: conditions,
  acr: optional(list(anyText, 1), []),
  max_age: optional(duration(1, 2_592_000), undefined),
  client_ids: optional(list(anyText, 1), []),
})

export const access = either(
  { when: (value) => typeof value === 'string', field: oneOf(['public', 'session']) },
  rule,
)

export type WrittenRule = Parsed<typeof rule>
export type WrittenCondition = Parsed<typeof condition>
