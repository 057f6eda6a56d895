/**
 * Routes by path pattern (`route-pattern.ts`), compiled to a tree of segments: the cost of a match is the length of
 * the path, not the number of routes.
 *
 * Segments are compared decoded, so that `/%40me` is `/@me` to a rule as it is to an origin. Case matters, but not
 * to every origin: a path that another pattern would win if case did not matter is ambiguous, and goes nowhere.
 *
 * The most specific pattern wins, segment by segment: literal before `:name` before `*`. Where one pattern's paths
 * are all among another's, it is therefore the one that wins; `contested` finds those of which that cannot be said.
 * The winner's methods decide; a request never falls through to a less specific pattern because its method is not
 * listed.
 */
import type { Route } from './route.ts'
import {
  foldSegment,
  intersection,
  isSamePattern,
  readPattern,
  type RoutePattern,
  segmentsOf,
  writePattern,
} from './route-pattern.ts'

export type RouteMatch =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  /** Another pattern would win if case did not matter. */
  | { readonly kind: 'ambiguous' }
  | { readonly kind: 'none' }

/** Two routes that match the same paths, neither of them more specific, with different rules. */
export interface Contest {
  readonly routes: readonly [Route, Route]
  /** The pattern of the paths that both match. */
  readonly both: string
}

/** The routes of one pattern: their methods differ. */
interface Place {
  readonly pattern: RoutePattern
  readonly routes: Route[]
}

interface Node {
  readonly literal: Map<string, Node>
  parameter?: Node
  here?: Place
  rest?: Place
}

export class RouteTable {
  readonly #exact: Node = { literal: new Map() }
  /** The same places, under folded segments. */
  readonly #folded: Node = { literal: new Map() }
  readonly #places: Place[] = []
  readonly #all: Route[] = []

  get all(): readonly Route[] {
    return this.#all
  }

  /** Adds a route; says what is wrong with its pattern, or nothing. */
  add(route: Route): string | undefined {
    const pattern = readPattern(route.path)
    if (typeof pattern === 'string') return pattern
    const place = put(this.#exact, pattern, { pattern, routes: [] })
    const folded = put(this.#folded, pattern.map(foldSegment), place)
    if (folded !== place) {
      const other = folded.routes[0]?.path ?? ''
      return `differs from the pattern of another route by case alone (${other})`
    }
    const clash = place.routes.find((other) => sharesMethod(other, route))
    if (clash !== undefined)
      return `is the pattern of another route for the same method (${clash.path})`
    if (place.routes.length === 0) this.#places.push(place)
    place.routes.push(route)
    this.#all.push(route)
    return undefined
  }

  /** Keeps the paths of a pattern from every route: they match nothing, in whatever case. */
  reserve(path: string): void {
    const pattern = readPattern(path)
    if (typeof pattern === 'string') throw new TypeError(`${path} ${pattern}`)
    const place = put(this.#exact, pattern, { pattern, routes: [] })
    put(this.#folded, pattern.map(foldSegment), place)
  }

  /** `path` must be canonical (`http/canonical-url.ts`). attack: encoded-route */
  match(path: string, method: string): RouteMatch {
    const place = this.#find(path)
    if (place === 'none' || place === 'ambiguous') return { kind: place }
    const { routes } = place
    if (routes.length === 0) return { kind: 'none' }
    const route = routes.find(({ methods }) => methods === undefined || methods.has(method))
    if (route !== undefined) return { kind: 'route', route }
    return { kind: 'method', allow: routes.flatMap(({ methods }) => [...(methods ?? [])]) }
  }

  /**
   * Whether a path with parameters may pass: with and without them it meets one pattern, and every route of it lets
   * them through.
   */
  allowsParameters(path: string, without: string): boolean {
    const place = this.#find(path)
    if (typeof place === 'string' || place !== this.#find(without)) return false
    return place.routes.length > 0 && place.routes.every(({ pathParameters }) => pathParameters)
  }

  /**
   * Pairs of routes for which the order of segments, and not the rules' own, would decide who may pass. A route of
   * its own for what both match settles it. `strictness` is equal for rules of which either may hold.
   * attack: contested-path
   */
  contested(strictness: (route: Route) => string): readonly Contest[] {
    return this.#places.flatMap((a, i) =>
      this.#places.slice(i + 1).flatMap((b) => {
        const both = intersection(a.pattern, b.pattern)
        if (both === undefined) return []
        // Also where one is more specific than the other: it is what both match.
        if (this.#places.some(({ pattern }) => isSamePattern(pattern, both))) return []
        const pair = differing(a.routes, b.routes, strictness)
        return pair === undefined ? [] : [{ routes: pair, both: writePattern(both) }]
      }),
    )
  }

  #find(path: string): Place | 'none' | 'ambiguous' {
    const written = segmentsOf(path)
    const segments = path.includes('%') ? written.map(decodeURIComponent) : written
    const place = find(this.#exact, segments, 0)
    if (place === undefined) return 'none'
    // attack: case-variant
    if (unfolded.test(path) && find(this.#folded, segments.map(foldSegment), 0) !== place)
      return 'ambiguous'
    return place
  }
}

/** What folding could change. */
const unfolded = /[A-Z%]/

/** The place of a pattern: the one that is there already, or this one. */
function put(root: Node, pattern: RoutePattern, place: Place): Place {
  let node = root
  for (const segment of pattern) {
    if (segment === '*') return (node.rest ??= place)
    if (segment === ':') {
      node = node.parameter ??= { literal: new Map() }
    } else {
      const next: Node = node.literal.get(segment) ?? { literal: new Map() }
      node.literal.set(segment, next)
      node = next
    }
  }
  return (node.here ??= place)
}

function find(node: Node, segments: readonly string[], at: number): Place | undefined {
  const segment = segments[at]
  if (segment === undefined) return node.here ?? node.rest
  const literal = node.literal.get(segment)
  const exact = literal === undefined ? undefined : find(literal, segments, at + 1)
  if (exact !== undefined) return exact
  const parameter =
    node.parameter === undefined ? undefined : find(node.parameter, segments, at + 1)
  return parameter ?? node.rest
}

function differing(
  some: readonly Route[],
  others: readonly Route[],
  strictness: (route: Route) => string,
): readonly [Route, Route] | undefined {
  for (const a of some) {
    const b = others.find((other) => strictness(other) !== strictness(a))
    if (b !== undefined) return [a, b]
  }
  return undefined
}

function sharesMethod(a: Route, b: Route): boolean {
  if (a.methods === undefined || b.methods === undefined) return true
  return !a.methods.isDisjointFrom(b.methods)
}
