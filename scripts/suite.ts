/** What a suite of `npm run interop` is: one file in scripts/interop/, named as it is asked for. */

export interface Suite {
  /** One line for the usage. */
  readonly about: string
  /** Prints its table, and says plainly what it skipped and why. */
  run(options: SuiteOptions): Promise<SuiteOutcome>
}

export interface SuiteOptions {
  /** Whether what is missing may be installed: packages of the languages, and Debian's as root. */
  readonly install: boolean
}

export interface SuiteOutcome {
  /** What was tried and did not come out as it should, one a line. */
  readonly failures: readonly string[]
  /** What could not be tried, and why. */
  readonly skipped: readonly string[]
}
