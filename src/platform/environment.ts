/**
 * The Worker's bindings, as `wrangler.toml` declares them. `PROVIDERS`, `SITES`, `SEAL_KEYS` and further secrets
 * are read by `config/parse.ts` only. Which class is behind a namespace is known where its stubs are made.
 */
export interface Environment extends Readonly<Record<string, unknown>> {
  readonly DOCUMENTS: KVNamespace
  readonly SESSION_OBJECTS: DurableObjectNamespace
  readonly ISSUER_OBJECTS: DurableObjectNamespace
  readonly KEY_OBJECTS: DurableObjectNamespace
  readonly DENYLIST_OBJECTS: DurableObjectNamespace
  readonly DEVICE_OBJECTS: DurableObjectNamespace
}
