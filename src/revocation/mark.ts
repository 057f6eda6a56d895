/**
 * Marks: what is revoked, and from when. A mark names something of one site; whatever was issued before the mark's
 * time and bears that name is dead, so that signing in again works at once.
 */

import type { Site } from '../config/config.ts'

/** What a mark names. `issuer` is that of the tokens or of the provider. */
export type MarkTarget =
  | { readonly kind: 'token'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'session'; readonly id: string }
  | { readonly kind: 'provider_session'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'subject'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'client'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'signing_key'; readonly issuer: string; readonly id: string }
  | { readonly kind: 'site' }

export type MarkKind = MarkTarget['kind']

/** The time of a mark that everything was issued before. Seconds. */
export const forever = 0xffff_ffff

/**
 * Seconds by which clocks of the platform may differ. A mark's time lies so far ahead of the authority's own, so
 * that nothing issued before it by a clock that is fast escapes; what is issued after it asks the authority, and is
 * dated behind the mark.
 */
export const clockSkew = 5

/** A mark as it is asked for. Times in seconds. */
export interface NewMark {
  readonly site: string
  readonly target: MarkTarget
  /** `now`: what was issued until now; else a time, or `forever`. */
  readonly before: 'now' | number
  /** For so long something that bears the name may be presented at the edge. */
  readonly edgeFor: number
  /** For so long a session that bears it may come to be renewed. */
  readonly keepFor: number
  /** For the operator: why, and who asked. */
  readonly reason: string
  readonly by: string
}

/** A mark as it stands. Times in seconds. */
export interface Mark {
  /** Names the mark in its shard; grows with every change. */
  readonly version: number
  readonly site: string
  readonly target: MarkTarget
  readonly before: number
  readonly until: number
  readonly reason: string
  readonly by: string
  readonly createdAt: number
}

/** A mark on something of the site, for as long as anything that it ends may live. */
export function markOn(
  { id, longest }: Pick<Site, 'id' | 'longest'>,
  target: MarkTarget,
  said: Pick<NewMark, 'before' | 'reason' | 'by'>,
): NewMark {
  const keepFor = Math.max(longest.edge, longest.session)
  return { site: id, target, ...said, edgeFor: longest.edge, keepFor }
}

/** The one spelling of a target in a site. */
export function nameOf(site: string, target: MarkTarget): string {
  const { kind } = target
  if (kind === 'site') return JSON.stringify([site, kind])
  if (kind === 'session') return JSON.stringify([site, kind, target.id])
  return JSON.stringify([site, kind, target.issuer, target.id])
}

/** Something that can be revoked: its names, and when it was issued (seconds). */
export interface Revocable {
  /** Made when they are asked for, each time: where nothing is marked nobody asks. */
  readonly names: readonly string[]
  /** `undefined` where nobody said: any mark on a name then holds. */
  readonly issuedAt: number | undefined
}

/** Whether a mark of this time ends what was issued then. Not knowing when is being older. attack: undated-token */
export function ends(before: number, issuedAt: number | undefined): boolean {
  return before > 0 && !(issuedAt !== undefined && issuedAt >= before)
}

/** Which of so many shards a name belongs to (FNV-1a): every isolate and object must agree. */
export function shardOf(name: string, shards: number): number {
  let hash = 0x811c_9dc5
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x0100_0193)
  return (hash >>> 0) % shards
}
