/**
 * Where a login or logout may lead: back inside the site, nowhere else.
 */
import type { Site } from '../config/config.ts'
import { accept, deny, type Result } from '../denial.ts'
import { pathFlaw } from './canonical-url.ts'

declare const local: unique symbol

/** A path with query inside the site. Only `readReturnTo` makes it; it starts with exactly one slash. */
export type LocalPath = string & { readonly [local]: true }

/** In characters; it travels inside `state`, in an address. */
export const longestReturnTo = 2048

/**
 * Reads `return_to`; an absent one is the fallback from the configuration.
 *
 * The text must be a path that is unambiguous before any parser touches it: `new URL('/..//evil.example',
 * origin)` has the right origin and the path `//evil.example`. attack: open-redirect
 */
export function readReturnTo(
  written: string | null,
  fallback: string,
  site: Site,
): Result<LocalPath> {
  const text = written ?? fallback
  const refused = deny({ reason: 'return_to_foreign' })
  // Visible ASCII only: browsers strip tabs and line breaks. (`\` in the path is a flaw of it, below.)
  if (text.length > longestReturnTo || !/^\/[!-~]*$/.test(text)) return refused
  const end = text.search(/[?#]/)
  const path = end === -1 ? text : text.slice(0, end)
  if (pathFlaw(path) !== undefined) return refused
  // Our own endpoints would begin another login, or end the session, on return.
  if (path === site.basePath || path.startsWith(`${site.basePath}/`)) return refused
  return accept(text as LocalPath)
}
