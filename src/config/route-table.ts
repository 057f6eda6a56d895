/**
 * Route patterns, compiled to a tree of segments: the cost of a match is the length of the path, not the
 * number of routes.
 *
 * Segments are compared decoded, so that `/%40me` is `/@me` to a rule as it is to an origin.
 *
 * Grammar: `/` segment ( `/` segment )*; a segment is literal text, `:name` (exactly one segment), or, last
 * only, `*` (any rest, also none: `/api/*` matches `/api`). Case matters. The most specific pattern wins,
 * segment by segment: literal before `:name` before `*`. The winner's methods decide; a request never
 * falls through to a less specific pattern because its method is not listed.
 */
import type { Route } from './route.ts'

export type RouteMatch =
  | { readonly kind: 'route'; readonly route: Route }
  | { readonly kind: 'method'; readonly allow: readonly string[] }
  | { readonly kind: 'none' }

interface Node {
  readonly literal: Map<string, Node>
  parameter?: Node
  readonly here: Route[]
  readonly rest: Route[]
}

const segmentPattern = /^(?:[A-Za-z0-9._~!$&'()+,=@-]*|:[A-Za-z][A-Za-z0-9_]*|\*)$/

export class RouteTable {
  readonly #root: Node = emptyNode()
  readonly #all: Route[] = []

  get all(): readonly Route[] {
    return this.#all
  }

  /** Adds a route; says what is wrong with its pattern, or nothing. */
  add(route: Route): string | undefined {
    const segments = route.path.slice(1).split('/')
    const bad = segments.find(
      (segment, i) => !segmentPattern.test(segment) || (segment === '*' && i < segments.length - 1),
    )
    if (bad !== undefined) {
      return `has a segment "${bad}" that is neither plain text, ":name", nor a last "*"`
    }
    if (segments.some((segment, i) => segment === '' && i < segments.length - 1)) {
      return 'has an empty segment'
    }
    const place = this.#place(segments)
    const clash = place.find((other) => sharesMethod(other, route))
    if (clash !== undefined)
      return `is the pattern of another route for the same method (${clash.path})`
    place.push(route)
    this.#all.push(route)
    return undefined
  }

  /** `path` must be canonical (`http/canonical-url.ts`). */
  match(path: string, method: string): RouteMatch {
    const found = find(this.#root, segmentsOf(path), 0)
    if (found === undefined) return { kind: 'none' }
    const route = found.find(({ methods }) => methods === undefined || methods.has(method))
    if (route !== undefined) return { kind: 'route', route }
    return { kind: 'method', allow: found.flatMap(({ methods }) => [...(methods ?? [])]) }
  }

  #place(segments: readonly string[]): Route[] {
    let node = this.#root
    for (const segment of segments) {
      if (segment === '*') return node.rest
      if (segment.startsWith(':')) {
        node = node.parameter ??= emptyNode()
      } else {
        const next = node.literal.get(segment) ?? emptyNode()
        node.literal.set(segment, next)
        node = next
      }
    }
    return node.here
  }
}

function find(node: Node, segments: readonly string[], at: number): readonly Route[] | undefined {
  if (at === segments.length) {
    if (node.here.length > 0) return node.here
    return node.rest.length > 0 ? node.rest : undefined
  }
  const segment = segments[at] ?? ''
  const literal = node.literal.get(segment)
  const exact = literal === undefined ? undefined : find(literal, segments, at + 1)
  if (exact !== undefined) return exact
  // A parameter stands for something: the empty segment behind a last slash is not one.
  if (node.parameter !== undefined && segment !== '') {
    const parameter = find(node.parameter, segments, at + 1)
    if (parameter !== undefined) return parameter
  }
  return node.rest.length > 0 ? node.rest : undefined
}

/** attack: encoded-route */
function segmentsOf(path: string): readonly string[] {
  const segments = path.slice(1).split('/')
  return path.includes('%') ? segments.map((segment) => decodeURIComponent(segment)) : segments
}

function emptyNode(): Node {
  return { literal: new Map(), here: [], rest: [] }
}

function sharesMethod(a: Route, b: Route): boolean {
  if (a.methods === undefined || b.methods === undefined) return true
  return !a.methods.isDisjointFrom(b.methods)
}
