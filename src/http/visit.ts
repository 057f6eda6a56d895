/**
 * One request, once its URL and site are known: what every later step works on.
 */
import type { Site } from '../config/config.ts'
import type { CanonicalUrl } from './canonical-url.ts'

export interface Visit {
  readonly request: Request
  readonly url: CanonicalUrl
  readonly site: Site
  /** Seconds since 1970, read once when the request arrived. */
  readonly now: number
}
