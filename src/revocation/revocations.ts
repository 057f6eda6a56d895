/**
 * The port to the denylist: `platform/denylist.ts` implements it for an isolate, the shards of
 * `platform/denylist-object.ts` are the authority. Its promises:
 *
 * - no decision is taken on knowledge older than the bound, whatever clocks say;
 * - a mark is stored for good before `add` returns, and this isolate knows of it then;
 * - where the authority cannot be asked, `whenUnsure` decides, and nothing else.
 */
import type { RevocationPolicy } from '../config/route.ts'
import type { Mark, NewMark, Revocable } from './mark.ts'

export interface Revocations {
  /** Whether it is revoked. Throws `Fault` (`revocation_unknown`) where it cannot be told and the policy is closed. */
  isRevoked(what: Revocable, policy: RevocationPolicy): Promise<boolean>
  /** Knows from now on what the authority knows now. Never throws. */
  catchUp(): Promise<void>
  add(marks: readonly NewMark[]): Promise<void>
  /** Marks of a site, newest first; at most 1,000. */
  list(site: string): Promise<readonly Mark[]>
  /** Whether there was one. */
  remove(site: string, target: Mark['target']): Promise<boolean>
  /** Whether `see` was called with the key, and its time has not passed. The authority's word. */
  wasSeen(key: string): Promise<boolean>
  /** Remembers a key for so many seconds. */
  see(key: string, keepFor: number): Promise<void>
  /** Milliseconds since the oldest of what this isolate knows was true; `undefined` where it knows nothing. */
  age(): number | undefined
}
