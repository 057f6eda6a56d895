/**
 * Path patterns, and what two of them have in common.
 *
 * Grammar: `/` segment ( `/` segment )*; a segment is literal text, `:name` (exactly one segment), or, last
 * only, `*` (any rest, also none: `/api/*` matches `/api`). A slash at the end makes no difference, here or in a
 * path: origins do not agree whether it does.
 */

/** Its segments; `:` for a parameter, whatever its name, and `*` for the rest. */
export type RoutePattern = readonly string[]

const segmentPattern = /^(?:[A-Za-z0-9._~!$&'()+,=@-]+|:[A-Za-z][A-Za-z0-9_]*|\*)$/

/** The pattern, or what is wrong with it. */
export function readPattern(path: string): RoutePattern | string {
  if (path.includes('//')) return 'has an empty segment'
  const segments = segmentsOf(path)
  const bad = segments.find(
    (segment, i) => !segmentPattern.test(segment) || (segment === '*' && i < segments.length - 1),
  )
  if (bad !== undefined)
    return `has a segment "${bad}" that is neither plain text, ":name", nor a last "*"`
  return segments.map((segment) => (segment.startsWith(':') ? ':' : segment))
}

/** What stands between the slashes, without the nothing behind a last one. */
export function segmentsOf(path: string): readonly string[] {
  const end = path.endsWith('/') ? path.length - 1 : path.length
  return end <= 1 ? [] : path.slice(1, end).split('/')
}

/** The literal text with which every path of a pattern begins; it ends in a slash. */
export function literalPrefix(path: string): string {
  const segments = segmentsOf(path)
  const end = segments.findIndex((segment) => segment === '*' || segment.startsWith(':'))
  const literal = end === -1 ? segments : segments.slice(0, end)
  return ['', ...literal, ''].join('/')
}

/** The pattern of exactly those paths that both match; `undefined` where there are none. */
export function intersection(a: RoutePattern, b: RoutePattern): RoutePattern | undefined {
  const both: string[] = []
  for (let i = 0; ; i += 1) {
    const [x, y] = [a[i], b[i]]
    if (x === '*') return [...both, ...b.slice(i)]
    if (y === '*') return [...both, ...a.slice(i)]
    if (x === undefined && y === undefined) return both
    if (x === undefined || y === undefined) return undefined
    if (x === ':' || x === y) both.push(y)
    else if (y === ':') both.push(x)
    else return undefined
  }
}

export function isSamePattern(a: RoutePattern, b: RoutePattern): boolean {
  return a.length === b.length && a.every((segment, i) => segment === b[i])
}

/** As a person would write it. */
export function writePattern(pattern: RoutePattern): string {
  return `/${pattern.map((segment) => (segment === ':' ? ':name' : segment)).join('/')}`
}

/**
 * Text as an origin may compare it that ignores case, or brings Unicode into one form first. Two texts with the
 * same fold are the same name somewhere.
 */
export function foldSegment(segment: string): string {
  return segment.normalize('NFKC').toUpperCase().toLowerCase()
}
