/**
 * The closing line: `N passed, N failed` over all projects, what a person or a machine reads first.
 * `scripts/run.mjs` names a file for the tally and prints the line itself, as the very last thing,
 * once every process is gone; under a bare `vitest` it is printed here.
 */
import { writeFileSync } from 'node:fs'

import type { Reporter, SerializedError, TestModule } from 'vitest/node'

export default class ClosingLine implements Reporter {
  onTestRunEnd(
    modules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: 'passed' | 'failed' | 'interrupted',
  ): void {
    const tally = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
    const notes = new Map<string, number>()

    for (const module of modules) {
      // A file that does not load, or a hook that fails, has no test to its name: a failure still
      tally.failed += module.errors().length
      for (const suite of module.children.allSuites()) tally.failed += suite.errors().length
      for (const test of module.children.allTests()) {
        const result = test.result()
        if (result.state === 'passed') tally.passed += 1
        else if (result.state === 'failed') tally.failed += 1
        else {
          tally.skipped += 1
          const note = result.state === 'skipped' ? result.note : undefined
          if (note !== undefined) notes.set(note, (notes.get(note) ?? 0) + 1)
        }
      }
    }
    if (reason !== 'passed' && tally.failed === 0) tally.failed = 1

    for (const [note, times] of notes) console.log(`Skipped ${String(times)}: ${note}`)
    const file = process.env['SALLYPORT_TALLY']
    if (file !== undefined) writeFileSync(file, JSON.stringify(tally))
    else console.log(closingLine(tally))
  }
}

function closingLine(tally: { passed: number; failed: number; skipped: number }): string {
  const line = `${String(tally.passed)} passed, ${String(tally.failed)} failed`
  return tally.skipped === 0 ? line : `${line}, ${String(tally.skipped)} skipped`
}
