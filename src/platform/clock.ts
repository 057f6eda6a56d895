/**
 * The one place that reads the time. On the network the clock stands still between I/O, so a request reads it
 * once when it arrives; in global scope it is 0, so nothing there asks.
 */

/** Seconds since 1970, whole. */
export function secondsNow(): number {
  return Math.floor(Date.now() / 1000)
}

export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds))
}
