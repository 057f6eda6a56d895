import { expect, it } from 'vitest'

import {
  looksEncrypted,
  looksSigned,
  unverifiedIssuer,
  unverifiedKid,
} from '../../../src/token/unverified.ts'
import { forge } from '../world/keys.ts'

it('tells the forms of tokens apart', () => {
  expect([looksSigned('a.b.c'), looksEncrypted('a.b.c')]).toEqual([true, false])
  expect([looksSigned('a.b.c.d.e'), looksEncrypted('a.b.c.d.e')]).toEqual([false, true])
  expect([looksSigned('opaque'), looksEncrypted('opaque')]).toEqual([false, false])
})

it('reads text and nothing else from what nobody has verified', () => {
  const token = forge({ kid: 'k1' }, { iss: 'https://as.example' })
  expect([unverifiedKid(token), unverifiedIssuer(token)]).toEqual(['k1', 'https://as.example'])
  const odd = forge({ kid: 1 }, { iss: ['https://as.example'] })
  expect([unverifiedKid(odd), unverifiedIssuer(odd)]).toEqual([undefined, undefined])
  for (const text of ['', '..', 'a.b.c', '!.!.!', 'opaque'])
    expect([unverifiedKid(text), unverifiedIssuer(text)], text).toEqual([undefined, undefined])
})
