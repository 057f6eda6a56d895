/**
 * Rotation of the refresh cookie: rotate, confirm on use. Pure; `now` and `grace` in seconds.
 *
 * Each cookie that is handed out has a number. `confirmed` is the newest one known to have arrived, because
 * the browser used it. Using it hands out a successor; the predecessor stays good until a successor is
 * first used, since the answer that carried it may have been lost. When a successor is used, whatever it
 * supersedes stays good for the grace only: requests that were in flight. After that, presenting it is
 * reuse: somebody else holds a copy.
 */
export interface Rotation {
  /** The number of the next cookie. */
  readonly next: number
  readonly confirmed: number
  /** Successors of `confirmed`, none of them used yet. */
  readonly open: readonly { readonly number: number; readonly issuedAt: number }[]
  /** Superseded cookies that may still be in flight. */
  readonly superseded: readonly { readonly number: number; readonly until: number }[]
}

export type Presented =
  | { readonly kind: 'good'; readonly rotation: Rotation; readonly handOut: number }
  | { readonly kind: 'reused' }

/** Of successors that were never used so many are remembered; more were lost than any network loses. */
const mostOpen = 8

/** The state behind a first cookie, number 0, that is about to be handed out. */
export function startRotation(): Rotation {
  return { next: 1, confirmed: 0, open: [], superseded: [] }
}

/** The number of the newest cookie that was handed out. */
export function lastHandedOut(rotation: Rotation): number {
  return rotation.next - 1
}

/** What presenting cookie `number` (authentic: its MAC was checked) does. */
export function present(rotation: Rotation, number: number, now: number, grace: number): Presented {
  if (number === rotation.confirmed) return handOut(rotation, now, grace)
  if (rotation.open.some((successor) => successor.number === number)) {
    return handOut(confirm(rotation, number, now, grace), now, grace)
  }
  const inFlight = rotation.superseded.some((old) => old.number === number && now <= old.until)
  // attack: refresh-cookie-reuse
  return inFlight ? handOut(rotation, now, grace) : { kind: 'reused' }
}

function confirm(rotation: Rotation, number: number, now: number, grace: number): Rotation {
  const passed = [rotation.confirmed, ...rotation.open.map((successor) => successor.number)]
  return {
    next: rotation.next,
    confirmed: number,
    open: [],
    superseded: [
      ...rotation.superseded.filter(({ until }) => now <= until),
      ...passed.filter((old) => old !== number).map((old) => ({ number: old, until: now + grace })),
    ],
  }
}

/**
 * Requests that run in parallel get the same successor, whichever answer arrives last. One that comes later
 * than the grace answers a lost response and gets a successor of its own.
 */
function handOut(rotation: Rotation, now: number, grace: number): Presented {
  const last = rotation.open.at(-1)
  if (last !== undefined && now - last.issuedAt < grace)
    return { kind: 'good', rotation, handOut: last.number }
  const number = rotation.next
  const open = [...rotation.open.slice(1 - mostOpen), { number, issuedAt: now }]
  return { kind: 'good', rotation: { ...rotation, next: number + 1, open }, handOut: number }
}
