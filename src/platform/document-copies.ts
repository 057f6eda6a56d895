/**
 * Copies of providers' documents in KV: near every location, written by the issuer's object alone. KV promises no
 * order and no freshness, so a copy is only ever as good as the time it carries.
 */
import type { Publisher } from '../config/issuer.ts'
import type { ProviderDocuments } from '../oidc/provider-documents.ts'
import type { Environment } from './environment.ts'

/** Gives nothing for a miss, a failure, and a value that is not of this issuer: the object is asked then. */
export async function readCopy(
  env: Environment,
  publisher: Publisher,
): Promise<ProviderDocuments | undefined> {
  try {
    const copy = await env.DOCUMENTS.get<ProviderDocuments>(copyName(publisher), 'json')
    return copy?.metadata.issuer === publisher.issuer ? copy : undefined
  } catch {
    return undefined
  }
}

/** Rejects where KV does. */
export async function writeCopy(
  env: Environment,
  publisher: Publisher,
  documents: ProviderDocuments,
): Promise<void> {
  await env.DOCUMENTS.put(copyName(publisher), JSON.stringify(documents))
}

/** The key in KV. */
export function copyName({ documentsName }: Pick<Publisher, 'documentsName'>): string {
  return `documents/1/${encodeURIComponent(documentsName)}`
}
