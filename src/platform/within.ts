/**
 * A limit on waiting for what cannot be aborted.
 */

/** The work had not settled in time. It goes on. */
export class Late extends Error {
  override readonly name = 'Late'
}

/** Rejects with `Late` where the work has not settled in so many milliseconds; the work itself goes on. */
export async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | null = null
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Late('no answer in time')), milliseconds)
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
