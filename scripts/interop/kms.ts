/**
 * Our clients for custodians of keys against servers that others wrote: Vault or OpenBao, moto and local-kms (both speak
 * AWS KMS's API). Google Cloud KMS has neither an official emulator nor one that checks what it is sent.
 *
 * It installs from PyPI and builds from the Go module proxy into a temporary folder, which takes minutes the first
 * time; what cannot be had is skipped, with the reason.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { tryLocalKms, tryMoto } from './kms/aws.ts'
import { Table } from './kms/table.ts'
import { stopServers } from './kms/server.ts'
import { tryTransit } from './kms/transit.ts'

export async function run(): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-interop-'))
  const table = new Table()
  process.on('exit', () => {
    stopServers()
    // Go leaves its module cache read-only, but not what it builds here.
    rmSync(folder, { recursive: true, force: true })
  })
  for (const attempt of [tryMoto, tryLocalKms, tryTransit]) {
    // What fails outside of a single try, such as the making of keys, is a failure too.
    await attempt(folder, table).catch((error: unknown) => table.fail(attempt.name, error))
  }
  table.skip(
    'Google Cloud KMS',
    'there is no official emulator; test/unit/keys/custody/google-kms.test.ts has a fake by the documented shapes',
  )
  table.print()
  stopServers()
  return !table.failed
}
