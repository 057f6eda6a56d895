/**
 * What an object's method answers over RPC: errors lose their fields on the way, so a fault travels as a value
 * and is thrown again on this side.
 */
import { Fault, type FaultKind } from '../fault.ts'

export type Answered<T> =
  | { readonly value: T }
  | { readonly fault: { readonly kind: FaultKind; readonly detail: string } }

/** In the object: a thrown `Fault` becomes a value; anything else is a defect and stays thrown. */
export async function answered<T>(work: () => Promise<T>): Promise<Answered<T>> {
  try {
    return { value: await work() }
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    return { fault: { kind: error.kind, detail: error.message } }
  }
}

/** In the isolate: the value, or the fault thrown. What breaks on the way is a fault of storage. */
export async function unwrap<T>(call: Promise<Answered<T>>): Promise<T> {
  const result = await call.catch((cause: unknown) => {
    throw new Fault('storage_failed', 'a Durable Object did not answer', { cause })
  })
  if ('fault' in result) throw new Fault(result.fault.kind, result.fault.detail)
  return result.value
}
