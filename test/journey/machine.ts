/**
 * What a program does at the provider to get a token.
 */
import { expect } from 'vitest'

import type { World } from './world.ts'

/** A token for a part of the site, given to a client that speaks for itself. */
export async function machineToken(
  world: World,
  client = 'sallyport-machine',
  path = '/api',
): Promise<string> {
  return tokenFrom(world, client, {
    grant_type: 'client_credentials',
    resource: world.site + path,
    scope: 'orders',
  })
}

export async function tokenFrom(
  { provider, secrets }: World,
  client: string | undefined,
  form: Readonly<Record<string, string>>,
): Promise<string> {
  const basic = btoa(`${client ?? ''}:${secrets.DEMO_MACHINE_SECRET}`)
  const response = await fetch(`${provider.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: client === undefined ? {} : { authorization: `Basic ${basic}` },
  })
  const text = await response.text()
  expect(response.status, text).toBe(200)
  return (JSON.parse(text) as { readonly access_token: string }).access_token
}
