/**
 * The names under which sessions and tokens can be revoked.
 */
import type { Revocable } from './mark.ts'
import { nameOf } from './mark.ts'

export interface RevocableSession {
  readonly sessionId: string
  readonly issuer: string
  readonly subject: string
  readonly providerSession: string | undefined
  readonly issuedAt: number
}

/** `clientId`: ours at the provider. */
export function namesOfSession(
  site: string,
  clientId: string,
  session: RevocableSession,
): Revocable {
  return new Named(session.issuedAt, () => [
    nameOf(site, { kind: 'session', id: session.sessionId }),
    ...namesOfLogin(site, clientId, session),
  ])
}

/** A getter of a class costs nothing to have; one of a literal is defined anew each time. */
class Named implements Revocable {
  readonly issuedAt: number | undefined
  readonly #make: () => readonly string[]

  constructor(issuedAt: number | undefined, make: () => readonly string[]) {
    this.issuedAt = issuedAt
    this.#make = make
  }

  get names(): readonly string[] {
    return this.#make()
  }
}

/** Under which a session is revoked before it has an id. */
export function namesOfLogin(
  site: string,
  clientId: string,
  login: Pick<RevocableSession, 'issuer' | 'subject' | 'providerSession'>,
): readonly string[] {
  const { issuer, subject, providerSession } = login
  return [
    nameOf(site, { kind: 'subject', issuer, id: subject }),
    nameOf(site, { kind: 'client', issuer, id: clientId }),
    nameOf(site, { kind: 'site' }),
    ...(providerSession === undefined
      ? []
      : [nameOf(site, { kind: 'provider_session', issuer, id: providerSession })]),
  ]
}

export interface RevocableToken {
  readonly issuer: string
  readonly id: string | undefined
  readonly subject: string | undefined
  readonly clientId: string | undefined
  /** Of the key that signed it. */
  readonly keyId: string | undefined
  readonly providerSession: string | undefined
  readonly issuedAt: number | undefined
}

export function namesOfToken(site: string, token: RevocableToken): Revocable {
  return new Named(token.issuedAt, () => {
    const { issuer } = token
    const named = [
      ['token', token.id],
      ['subject', token.subject],
      ['client', token.clientId],
      ['signing_key', token.keyId],
      ['provider_session', token.providerSession],
    ] as const
    return [
      ...named.flatMap(([kind, id]) =>
        id === undefined ? [] : [nameOf(site, { kind, issuer, id })],
      ),
      nameOf(site, { kind: 'site' }),
    ]
  })
}
