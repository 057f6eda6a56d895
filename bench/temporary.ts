/**
 * Temporary folders that do not outlive the process: also where a measurement fails or is told to stop.
 */
import { rmSync } from 'node:fs'

/** Takes charge of a folder; gives what removes it sooner. */
export function untilExit(folder: string): () => void {
  const remove = () => {
    process.off('exit', remove)
    // A Worker that is being stopped may write once more.
    rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 })
  }
  process.once('exit', remove)
  return remove
}
