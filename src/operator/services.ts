/**
 * What the operators' endpoints need from outside.
 */
import type { CallerServices } from '../gateway/services.ts'
import type { KeyRings } from '../keys/key-rings.ts'
import type { PublishedKeys } from '../keys/published.ts'

export interface OperatorServices extends CallerServices {
  readonly keyRings: KeyRings
  readonly publishedKeys: PublishedKeys
}
