/**
 * The log port on the console: one line of JSON an event, which the platform's log tools index.
 */
import type { Log } from '../log.ts'

export const consoleLog: Log = (level, event, fields) => {
  console[level](JSON.stringify({ level, event, ...fields }))
}
