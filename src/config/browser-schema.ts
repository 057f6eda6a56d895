/**
 * What an operator may write about pages and browsers, under `routes[]`.
 */
import { duration, flag, list, oneOf, optional, type Parsed, table, text } from './field.ts'

const headerName = text(/^[A-Za-z0-9-]{1,64}$/, 'must be a header name')

const cors = table({
  origins: list(
    text(
      /^(?:\*|https?:\/\/[a-z0-9.:[\]-]+)$/,
      'must be an origin such as "https://app.example.com", or "*"',
    ),
    1,
  ),
  methods: optional(
    list(text(/^[A-Z]{3,16}$/, 'must be an HTTP method in capitals'), 1),
    undefined,
  ),
  headers: optional(list(headerName), []),
  expose: optional(list(headerName), []),
  credentials: optional(flag(), false),
  max_age: optional(duration(1, 86_400), 600),
})

/** The keys of a route that are about pages. */
export const browserRoute = {
  cors: optional(cors, undefined),
  isolation: optional(oneOf(['off', 'same_site', 'same_origin']), 'off'),
}

export type WrittenCors = Parsed<typeof cors>
