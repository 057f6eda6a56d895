/**
 * The Worker's bindings, as `wrangler.toml` declares them. `PROVIDERS`, `SITES`, `SEAL_KEYS` and further secrets
 * are read by `config/parse.ts` only.
 */
import type { IssuerObject } from './issuer-object.ts'
import type { KeyObject } from './key-object.ts'
import type { SessionObject } from './session-object.ts'

export interface Environment extends Readonly<Record<string, unknown>> {
  readonly DOCUMENTS: KVNamespace
  readonly SESSION_OBJECTS: DurableObjectNamespace<SessionObject>
  readonly ISSUER_OBJECTS: DurableObjectNamespace<IssuerObject>
  readonly KEY_OBJECTS: DurableObjectNamespace<KeyObject>
}
