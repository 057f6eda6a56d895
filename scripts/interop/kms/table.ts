/** What was tried, and how it went. */
interface Row {
  readonly server: string
  readonly what: string
  readonly outcome: 'ok' | 'FAILED' | 'skipped'
  readonly note: string
}

export class Table {
  readonly #rows: Row[] = []

  get failed(): boolean {
    return this.#rows.some(({ outcome }) => outcome === 'FAILED')
  }

  /** Goes on after a failure. */
  async try(server: string, what: string, work: () => Promise<string | void>): Promise<void> {
    try {
      this.#add({ server, what, outcome: 'ok', note: (await work()) ?? '' })
    } catch (error) {
      this.#add({ server, what, outcome: 'FAILED', note: String(error) })
    }
  }

  fail(server: string, error: unknown): void {
    this.#add({ server, what: 'the rest', outcome: 'FAILED', note: String(error) })
  }

  skip(server: string, why: string): void {
    this.#add({ server, what: 'everything', outcome: 'skipped', note: why })
  }

  print(): void {
    const widths = (['server', 'what'] as const).map((column) =>
      Math.max(...this.#rows.map((row) => row[column].length)),
    )
    console.log('')
    for (const { server, what, outcome, note } of this.#rows) {
      const columns = [server.padEnd(widths[0] ?? 0), what.padEnd(widths[1] ?? 0)]
      console.log([...columns, outcome.padEnd(7), note].join('  ').trimEnd())
    }
    const count = (outcome: Row['outcome']) =>
      this.#rows.filter((row) => row.outcome === outcome).length
    console.log(`\n${count('ok')} ok, ${count('FAILED')} failed, ${count('skipped')} skipped`)
  }

  #add(row: Row): void {
    this.#rows.push(row)
    console.error(`${row.server}: ${row.what}: ${row.outcome}`)
  }
}
