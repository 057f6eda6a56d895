/**
 * What an operator may write about pages and browsers, under `SITES[]` and `routes[]`.
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

const headerText = text(/^[!-~](?:[ -~]{0,4094}[!-~])?$/, 'must be the text of a header')

const pageHeaders = table({
  strict_transport_security: optional(
    text(
      /^(?:off|max-age=[0-9]{1,10}(?:; includeSubDomains)?(?:; preload)?)$/,
      'must be such as "max-age=31536000; includeSubDomains", or "off"',
    ),
    'max-age=31536000',
  ),
  referrer_policy: optional(
    oneOf([
      'no-referrer',
      'no-referrer-when-downgrade',
      'origin',
      'origin-when-cross-origin',
      'same-origin',
      'strict-origin',
      'strict-origin-when-cross-origin',
      'unsafe-url',
    ]),
    'strict-origin-when-cross-origin',
  ),
  permissions_policy: optional(headerText, undefined),
  cross_origin_opener_policy: optional(
    oneOf(['same-origin', 'same-origin-allow-popups', 'noopener-allow-popups', 'unsafe-none']),
    'same-origin',
  ),
  frame_ancestors: optional(
    list(
      text(
        /^(?:none|self|https:\/\/(?:\*\.)?[a-z0-9.-]+(?::[0-9]{1,5})?)$/,
        'must be "none", "self", or an origin such as "https://app.example.com"',
      ),
      1,
    ),
    ['none'],
  ),
  content_security_policy: optional(headerText, undefined),
})

/** The key of a site. */
export const browserSite = {
  page_headers: optional(pageHeaders, undefined),
}

/** The keys of a route that are about pages. */
export const browserRoute = {
  cors: optional(cors, undefined),
  isolation: optional(oneOf(['off', 'same_site', 'same_origin']), 'off'),
  page_headers: optional(flag(), true),
}

export type WrittenCors = Parsed<typeof cors>
export type WrittenPageHeaders = Parsed<typeof pageHeaders>
