/**
 * References to secrets → their values, and what authenticates us at a provider or an introspection endpoint.
 */
import { Secret } from '../secret.ts'
import type { Report } from './field.ts'
import type { ClientAuth } from './issuer.ts'

export type Env = Readonly<Record<string, unknown>>

interface WrittenRegistration {
  readonly client_auth: ClientAuth['method']
  readonly client_secret: { readonly secret: string } | undefined
  readonly private_key: { readonly secret: string } | undefined
}

export function parseClientAuth(
  written: WrittenRegistration,
  path: string,
  env: Env,
  report: Report,
): ClientAuth {
  const method = written.client_auth
  if (method !== 'private_key_jwt' && written.private_key !== undefined) {
    report(`${path}.private_key`, 'goes with client_auth = "private_key_jwt"')
  }
  if ((method === 'private_key_jwt' || method === 'none') && written.client_secret !== undefined) {
    report(`${path}.client_secret`, `does not go with client_auth = "${method}"`)
  }
  switch (method) {
    case 'client_secret_basic':
    case 'client_secret_post':
      return {
        method,
        secret: readSecret(written.client_secret, `${path}.client_secret`, env, report),
      }
    case 'private_key_jwt': {
      const privateKey = readSecret(written.private_key, `${path}.private_key`, env, report)
      return { method, privateKey }
    }
    case 'none':
      return { method }
  }
}

function readSecret(
  reference: { readonly secret: string } | undefined,
  path: string,
  env: Env,
  report: Report,
): Secret {
  if (reference === undefined) {
    report(path, 'is required for this client_auth: { secret = "NAME_OF_A_SECRET" }')
    return new Secret('')
  }
  return secretNamed(reference.secret, path, env, report)
}

/** The value of a secret; reports where it is not set. */
export function secretNamed(name: string, path: string, env: Env, report: Report): Secret {
  const value = env[name]
  if (typeof value === 'string' && value !== '') return new Secret(value)
  report(
    path,
    `names the secret ${name}, which is not set: ` +
      `\`npx wrangler secret put ${name}\`, or a line in .dev.vars`,
  )
  return new Secret('')
}
