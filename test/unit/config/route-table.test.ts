import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import type { Route } from '../../../src/config/route.ts'
import { parseAccess } from '../../../src/config/parse-access.ts'
import { RouteTable } from '../../../src/config/route-table.ts'

function route(path: string, methods?: readonly string[]): Route {
  return {
    path,
    methods: methods === undefined ? undefined : new Set(methods),
    access: parseAccess('public', '', [], false, () => undefined),
    upstream: { kind: 'url', url: new URL('https://a.example'), timeout: 1 },
    forward: { kind: 'none' },
    revocation: { bound: 10, whenUnsure: 'closed', strict: false, watchConnections: true },
    rateLimit: undefined,
  }
}

function tableOf(...paths: string[]): RouteTable {
  const table = new RouteTable()
  for (const path of paths) expect(table.add(route(path)), path).toBeUndefined()
  return table
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

  it('takes a slash at the end for a difference', () => {
    const table = tableOf('/a', '/b/')
    expect(found(table, '/a/')).toBe('none')
    expect(found(table, '/b')).toBe('none')
    expect(found(table, '/b/')).toBe('/b/')
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
  it.each(['/a/*/b', '/a*', '/:', '/:1', '/a b', '/a\\b', '/ü', '/%61', '//a', '/a//b'])(
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
