/**
 * Contenders outside workerd: programs of Debian and of Go, each with one process or thread that does the work, as one
 * isolate does it. Their masters' processor time is counted with theirs.
 */
import type { Program } from '../../scripts/interop/program.ts'
import type { Signer } from '../issuer.ts'

/** What every one of them is told. */
export interface Setting {
  /** Where it listens, on loopback. */
  readonly port: number
  /** The origin behind HTTP. */
  readonly upstream: string
  readonly issuer: string
  readonly clientId: string
  readonly clientSecret: string
  /** Of bearer tokens. */
  readonly signer: Signer
  /** For its files. */
  readonly folder: string
}

export interface OutsideContender {
  readonly name: string
  readonly does: 'nothing' | 'session' | 'bearer'
  /** Where a sign-in begins, for those with sessions. */
  readonly loginPath?: string
  /** Makes it ready; says why it cannot take part, or nothing. `install`: what is missing may be installed. */
  prepare(install: boolean): Promise<string | undefined>
  program(setting: Setting): Promise<Program>
}
