import { expect, it } from 'vitest'

import { readActor } from '../../../src/token/actor.ts'

const issuer = 'https://as.example.com'
const read = (value: unknown) => readActor(value, issuer)

it('says who acts, and whose name that is', () => {
  expect(read({ sub: 'robot' })).toEqual({ iss: issuer, sub: 'robot' })
  expect(read({ iss: 'https://other.example', client_id: 'app' })).toEqual({
    iss: 'https://other.example',
    client_id: 'app',
  })
})

it('says for whom that one acts in turn', () => {
  expect(read({ sub: 'inner', act: { sub: 'outer' } })).toEqual({
    iss: issuer,
    sub: 'inner',
    act: { iss: issuer, sub: 'outer' },
  })
})

it('passes on nothing that is no identity', () => {
  expect(read({ sub: 'robot', exp: 1, scope: 'everything', role: 'admin' })).toEqual({
    iss: issuer,
    sub: 'robot',
  })
})

it.each([
  null,
  'robot',
  [],
  {},
  { sub: '' },
  { sub: 7 },
  { iss: 7, sub: 'robot' },
  { client_id: ['a'], sub: 'robot' },
  { sub: 'robot', act: {} },
  { sub: 'robot', act: null },
  { sub: 'x'.repeat(3000) },
  { sub: '1', act: { sub: '2', act: { sub: '3', act: { sub: '4', act: { sub: '5' } } } } },
])('cannot be read from %j', (value) => {
  expect(read(value)).toBeUndefined()
})
