/**
 * Rotation of the refresh cookie: rotate, confirm on use. Pure; `now` and `grace` in seconds.
 *
 * Each cookie that is handed out has a number. `confirmed` is the newest one known to have arrived, because
 * the browser used it. Using it hands out a successor; the predecessor stays good until a successor is
 * first used, since the answer that carried it may have been lost. When a successor is used, whatever it
 * supersedes stays good for the grace only: requests that were in flight. After that, presenting it is
 * reuse: somebody else holds a copy.
 *
 * Answers are in flight too: one that comes late puts its cookie into the jar in place of a newer one, to be used at any
 * time after. And a request may carry an older cookie than the one that the jar holds by now. So nothing is superseded
 * within two graces of being handed out: one for that answer, one for a request that was sent before it came.
 */
export interface Rotation {
  /** The number of the next cookie. */
  readonly next: number
  readonly confirmed: HandedOut
  /** Successors of `confirmed`, none of them confirmed yet. */
  readonly open: readonly HandedOut[]
  /** Superseded cookies that may still be in flight. */
  readonly superseded: readonly { readonly number: number; readonly until: number }[]
}

interface HandedOut {
  readonly number: number
  /** When it was handed out, the last time. */
  readonly at: number
}

export type Presented =
  | { readonly kind: 'good'; readonly rotation: Rotation; readonly handOut: number }
  | { readonly kind: 'reused' }

/** Of successors that were never used so many are remembered; more were lost than any network loses. */
const mostOpen = 8

/** The state behind a first cookie, number 0, that is about to be handed out: in one answer, before which nobody has it. */
export function startRotation(): Rotation {
  return { next: 1, confirmed: { number: 0, at: 0 }, open: [], superseded: [] }
}

/** The number of the newest cookie that was handed out. */
export function lastHandedOut(rotation: Rotation): number {
  return rotation.next - 1
}

/** What presenting cookie `number` (authentic: its MAC was checked) does. */
export function present(rotation: Rotation, number: number, now: number, grace: number): Presented {
  const { confirmed, open, superseded } = rotation
  if (number === confirmed.number) return handOut(rotation, now, grace)
  if (open.some((successor) => successor.number === number)) {
    const others = [confirmed, ...open].filter((other) => other.number !== number)
    return others.some(({ at }) => now - at < 2 * grace)
      ? handOutAgain(rotation, number, now)
      : handOut(confirm(rotation, number, now, grace), now, grace)
  }
  const inFlight = superseded.some((old) => old.number === number && now <= old.until)
  // attack: refresh-cookie-reuse
  return inFlight ? handOut(rotation, now, grace) : { kind: 'reused' }
}

function confirm(rotation: Rotation, number: number, now: number, grace: number): Rotation {
  const known = [rotation.confirmed, ...rotation.open]
  return {
    next: rotation.next,
    confirmed: known.find((one) => one.number === number) ?? rotation.confirmed,
    open: [],
    superseded: [
      ...rotation.superseded.filter(({ until }) => now <= until),
      ...known
        .filter((old) => old.number !== number)
        .map((old) => ({ number: old.number, until: now + grace })),
    ],
  }
}

/**
 * Requests that run in parallel get the same successor, whichever answer arrives last. One that comes later
 * than the grace answers a lost response and gets a successor of its own.
 */
function handOut(rotation: Rotation, now: number, grace: number): Presented {
  const last = rotation.open.at(-1)
  if (last !== undefined && now - last.at < grace) return handOutAgain(rotation, last.number, now)
  const number = rotation.next
  const open = [...rotation.open.slice(1 - mostOpen), { number, at: now }]
  return { kind: 'good', rotation: { ...rotation, next: number + 1, open }, handOut: number }
}

function handOutAgain(rotation: Rotation, number: number, now: number): Presented {
  const open = rotation.open.map((one) => (one.number === number ? { number, at: now } : one))
  return { kind: 'good', rotation: { ...rotation, open }, handOut: number }
}
