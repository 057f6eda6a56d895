/**
 * What the sessions' objects have on disk, read beside the Worker, alive or dead: SQLite has one writer and any number of
 * readers. Nothing is opened here, so what is seen is whether a record is there and whether it was written again.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

/** The sessions' databases under a folder of `persistTo`. */
export function sessionFiles(persistTo: string): readonly string[] {
  const folder = join(persistTo, 'do/sallyport-demo-SessionObject')
  return readdirSync(folder)
    .filter((name) => /^[0-9a-f]{64}\.sqlite$/.test(name))
    .map((name) => join(folder, name))
}

/** The sealed record, as hex; `undefined` where there is none. */
export function recordIn(file: string): string | undefined {
  const database = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = database.prepare("SELECT name FROM sqlite_master WHERE name = '_cf_KV'").all()
    if (tables.length === 0) return undefined
    const row = database
      .prepare("SELECT hex(value) AS value FROM _cf_KV WHERE key = 'session'")
      .get()
    const value = row?.['value']
    return typeof value === 'string' ? value : undefined
  } finally {
    database.close()
  }
}
