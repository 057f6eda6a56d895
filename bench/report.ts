/** What every measurement ends with: a table for people, one line of JSON for programs. */

export interface Outcome {
  readonly measure: string
  readonly reached: boolean
  readonly [figure: string]: unknown
}

export function printTable(rows: readonly Readonly<Record<string, string | number>>[]): void {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))]
  const widths = names.map((_, i) => Math.max(...cells.map((row) => row[i]?.length ?? 0)))
  for (const row of cells)
    console.log(
      row
        .map((cell, i) => (i === 0 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0)))
        .join('  '),
    )
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const [low = Number.NaN, high = Number.NaN] = sorted.slice(
    middle - 1 + (sorted.length % 2),
    middle + 1,
  )
  return sorted.length % 2 === 1 ? low : (low + high) / 2
}

export function round(value: number, digits = 2): number {
  return Number(value.toFixed(digits))
}
