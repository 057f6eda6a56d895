/**
 * Copies of providers' documents in KV: near every location, written by the issuer's object alone. KV promises no
 * order and no freshness, so a copy is only ever as good as the time it carries.
 */
import type { ProviderDocuments } from '../oidc/provider-documents.ts'
import type { Environment } from './environment.ts'

/** Gives nothing for a miss, a failure, and a value that is not of this issuer: the object is asked then. */
export async function readCopy(
  env: Environment,
  issuer: string,
): Promise<ProviderDocuments | undefined> {
  try {
    const copy = await env.DOCUMENTS.get<ProviderDocuments>(keyOf(issuer), 'json')
    return copy?.metadata.issuer === issuer ? copy : undefined
  } catch {
    return undefined
  }
}

/** Rejects where KV does. */
export async function writeCopy(
  env: Environment,
  issuer: string,
  documents: ProviderDocuments,
): Promise<void> {
  await env.DOCUMENTS.put(keyOf(issuer), JSON.stringify(documents))
}

function keyOf(issuer: string): string {
  return `documents/1/${encodeURIComponent(issuer)}`
}
