import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Route } from '../../../src/config/route.ts'
import { parseAccess } from '../../../src/config/parse-access.ts'
import { intersection, isSamePattern, readPattern } from '../../../src/config/route-pattern.ts'
import { RouteTable } from '../../../src/config/route-table.ts'

function route(path: string, methods?: readonly string[]): Route {
  return {
    path,
    methods: methods === undefined ? undefined : new Set(methods),
    pathParameters: false,
    access: parseAccess('public', '', [], false, () => undefined),
    upstream: {
      kind: 'url',
      url: new URL('https://a.example'),
      certificate: undefined,
      timeout: 1,
      idle: undefined,
      retry: 0,
    },
    forward: { kind: 'none' },
    revocation: { bound: 10, whenUnsure: 'closed', strict: false, watchConnections: true },
    cache: 'private',
    cors: undefined,
    isolation: 'off',
    pageHeaders: undefined,
    rateLimit: undefined,
  }
}

function tableOf(...paths: string[]): RouteTable {
  const table = new RouteTable()
  for (const path of paths) expect(table.add(route(path)), path).toBeUndefined()
  return table
}

function patternOf(path: string) {
  const pattern = readPattern(path)
  if (typeof pattern === 'string') throw new Error(pattern)
  return pattern
}

function found(table: RouteTable, path: string, method = 'GET'): string {
  const match = table.match(path, method)
  return match.kind === 'route' ? match.route.path : match.kind
}

describe('matching', () => {
  it('prefers literal text to a parameter, and a parameter to the rest', () => {
    const table = tableOf('/*', '/users/:id', '/users/me', '/users/:id/posts/*')
    expect(found(table, '/users/me')).toBe('/users/me')
    expect(found(table, '/users/7')).toBe('/users/:id')
    expect(found(table, '/users/7/posts/1/2')).toBe('/users/:id/posts/*')
    expect(found(table, '/users/me/posts/1')).toBe('/users/:id/posts/*')
    expect(found(table, '/users/7/other')).toBe('/*')
    expect(found(table, '/')).toBe('/*')
  })

  it('takes * for any rest, and for none', () => {
    const table = tableOf('/api/*')
    for (const path of ['/api', '/api/', '/api/a', '/api/a/b']) {
      expect(found(table, path), path).toBe('/api/*')
    }
    for (const path of ['/', '/apis', '/API', '/ap']) expect(found(table, path), path).toBe('none')
  })

  it('takes a slash at the end for no difference, as some origins do', () => {
    const table = tableOf('/*', '/a', '/b/', '/c/*')
    for (const path of ['/a', '/a/']) expect(found(table, path)).toBe('/a')
    for (const path of ['/b', '/b/']) expect(found(table, path)).toBe('/b/')
    for (const path of ['/c', '/c/', '/c/d/']) expect(found(table, path)).toBe('/c/*')
    expect(table.add(route('/a/'))).toContain('/a')
  })

  it('lets no difference of case decide which rule holds', () => {
    const table = tableOf('/*', '/api/*', '/files/public', '/files/:name')
    expect(found(table, '/api/Orders')).toBe('/api/*')
    expect(found(table, '/files/Report')).toBe('/files/:name')
    expect(found(table, '/Other')).toBe('/*')
    // An origin that ignores case, or folds letters, reads the first as below /api
    for (const path of ['/API/orders', '/Api', '/files/PUBLIC', '/FILES/x'])
      expect(found(table, path), path).toBe('ambiguous')
    for (const path of ['/%EF%BD%81pi/x', '/file%C5%BF/x'])
      expect(found(table, path), path).toBe('ambiguous')
    expect(found(tableOf('/api/*'), '/API')).toBe('none')
  })

  it('keeps reserved paths from every route, in whatever case', () => {
    const table = tableOf('/*')
    expect(found(table, '/auth/x')).toBe('/*')
    table.reserve('/auth/*')
    for (const path of ['/auth', '/auth/', '/auth/x']) expect(found(table, path)).toBe('none')
    for (const path of ['/Auth', '/AUTH/x']) expect(found(table, path)).toBe('ambiguous')
    expect(found(table, '/author')).toBe('/*')
  })

  it('does not take an empty segment for a parameter', () => {
    expect(found(tableOf('/users/:id'), '/users/')).toBe('none')
  })

  it('lets the methods of the most specific pattern decide', () => {
    const table = tableOf('/*')
    table.add(route('/report', ['GET']))
    table.add(route('/report', ['POST']))
    expect(found(table, '/report')).toBe('/report')
    expect(table.match('/report', 'DELETE')).toEqual({ kind: 'method', allow: ['GET', 'POST'] })
  })

  it('compares segments decoded, so that no escape leads around a literal', () => {
    const table = tableOf('/*', '/@me/*', '/a+b')
    expect(found(table, '/@me/posts')).toBe('/@me/*')
    expect(found(table, '/%40me/posts')).toBe('/@me/*')
    expect(found(table, '/a%2Bb')).toBe('/a+b')
    expect(found(table, '/a%2bb')).toBe('/a+b')
  })

  it('finds every literal pattern by itself', () => {
    const segment = fc.stringMatching(/^[a-z0-9._~-]{1,8}$/)
    const paths = fc.uniqueArray(fc.array(segment, { minLength: 1, maxLength: 4 }), {
      selector: (segments) => segments.join('/'),
      maxLength: 20,
    })
    fc.assert(
      fc.property(paths, (all) => {
        const written = all.map((segments) => `/${segments.join('/')}`)
        const table = tableOf(...written, '/*')
        for (const path of written) expect(found(table, path)).toBe(path)
      }),
    )
  })
})

describe('adding', () => {
  it('refuses a pattern that differs from another by case alone', () => {
    const table = tableOf('/Docs/:page', '/docs')
    expect(table.add(route('/docs/:id'))).toContain('/Docs/:page')
    expect(table.add(route('/docs/x'))).toBeUndefined()
  })

  it.each(['/a/*/b', '/a*', '/:', '/:1', '/a b', '/a\\b', '/ü', '/%61', '//a', '/a//b', '//'])(
    'refuses the pattern %s',
    (path) => {
      expect(new RouteTable().add(route(path))).toMatch(/segment/)
    },
  )

  it('refuses a second route for a pattern and method', () => {
    const table = tableOf('/a/:one')
    expect(table.add(route('/a/:two', ['GET']))).toContain('/a/:one')
    expect(table.all).toHaveLength(1)
  })

  it('keeps two routes of one pattern whose methods differ', () => {
    const table = new RouteTable()
    expect(table.add(route('/a', ['GET']))).toBeUndefined()
    expect(table.add(route('/a', ['POST', 'PUT']))).toBeUndefined()
    expect(table.add(route('/a', ['PUT']))).toContain('same method')
  })
})

describe('which of several patterns wins', () => {
  const word = fc.constantFrom('a', 'b', ':')
  const pattern = fc
    .tuple(fc.array(word, { maxLength: 3 }), fc.boolean())
    .map(([words, open]) =>
      `/${[...words, ...(open ? ['*'] : [])].join('/')}`.replaceAll(':', ':x'),
    )
  const patterns = fc.uniqueArray(pattern, { minLength: 1, maxLength: 8 })
  const path = fc
    .array(fc.constantFrom('a', 'b', 'c'), { maxLength: 4 })
    .map((words) => `/${words.join('/')}`)

  /** Whether a pattern matches, told in another way than the table's own. */
  const matches = (written: string, at: string) => {
    const segments = written.split('/').filter((segment) => segment !== '')
    const open = segments.at(-1) === '*'
    const body = (open ? segments.slice(0, -1) : segments)
      .map((segment) => (segment === ':x' ? '/[^/]+' : `/${segment}`))
      .join('')
    return new RegExp(`^${body}${open ? '(?:/.*)?' : ''}/?$`).test(at)
  }

  it('does not depend on their order', () => {
    fc.assert(
      fc.property(patterns, fc.array(path, { minLength: 20, maxLength: 20 }), (written, paths) => {
        const [one, other] = [tableOf(...written), tableOf(...written.toReversed())]
        for (const at of paths) expect(found(other, at), at).toBe(found(one, at))
      }),
    )
  })

  it('is one that matches, and one than which no other that matches is more specific', () => {
    fc.assert(
      fc.property(patterns, path, (written, at) => {
        const table = tableOf(...written)
        const all = written.filter((candidate) => matches(candidate, at))
        const winner = found(table, at)
        expect([...all, ...(all.length === 0 ? ['none'] : [])]).toContain(winner)
        if (winner === 'none') return
        // No other pattern's paths are all among the winner's
        const within = (inner: string) =>
          isSamePattern(
            intersection(patternOf(inner), patternOf(winner)) ?? ['none'],
            patternOf(inner),
          )
        expect(all.filter((other) => other !== winner && within(other))).toEqual([])
      }),
      { numRuns: 1000 },
    )
  })

  it('is said by the patterns themselves wherever nothing is contested', () => {
    fc.assert(
      fc.property(patterns, path, (written, at) => {
        const table = tableOf(...written)
        const contested = table.contested(({ path: own }) => own)
        const winner = found(table, at)
        const others = written.filter((other) => other !== winner && matches(other, at))
        if (winner === 'none' || contested.length > 0) return
        for (const other of others) {
          const both = intersection(patternOf(winner), patternOf(other))
          expect(both, `${winner} ${other}`).toEqual(patternOf(winner))
        }
      }),
      { numRuns: 1000 },
    )
  })

  it('is contested where neither of two is more specific and their rules differ', () => {
    const table = tableOf('/users/me/:what', '/users/:id/posts', '/*')
    const byPath = ({ path: own }: Route) => own
    expect(table.contested(() => 'equal')).toEqual([])
    expect(table.contested(byPath)).toMatchObject([
      {
        routes: [{ path: '/users/me/:what' }, { path: '/users/:id/posts' }],
        both: '/users/me/posts',
      },
    ])
    // A route for what both match settles it
    table.add(route('/users/me/posts'))
    expect(table.contested(byPath)).toEqual([])
    expect(tableOf('/a/:y/*', '/:x/b').contested(byPath)).toMatchObject([{ both: '/a/b' }])
    expect(tableOf('/a/*', '/:x/b/*').contested(byPath)).toMatchObject([{ both: '/a/b/*' }])
    expect(tableOf('/a/*', '/a/:x', '/a/b', '/*').contested(byPath)).toEqual([])
    // `/a/*` matches `/a` too
    expect(tableOf('/a/*', '/:x').contested(byPath)).toMatchObject([{ both: '/a' }])
  })
})
