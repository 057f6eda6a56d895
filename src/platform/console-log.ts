/**
 * The log port on the console: one line of JSON an event, which the platform's log tools index.
 */
import type { Log } from '../log.ts'

export const consoleLog: Log = (level, event, fields) => {
  // oxlint-disable-next-line no-console -- this is the one place that writes
  console[level](JSON.stringify({ level, event, ...fields }))
}
