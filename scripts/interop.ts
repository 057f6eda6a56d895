/**
 * `npm run interop -- <name> [--install]`: Sallyport with somebody else's software, for real. Prints what was seen; exits 1
 * where something is not as it should be. Where that software is not there it says so, and counts as nothing.
 */
import { constants } from 'node:os'

interface Interop {
  /** `install`: whether what is missing may be installed, where it knows how. */
  readonly run: (install: boolean) => Promise<boolean>
}

const interops: Readonly<Record<string, () => Promise<Interop>>> = {
  nginx: () => import('./interop/nginx.ts'),
  caddy: () => import('./interop/caddy.ts'),
  kms: () => import('./interop/kms.ts'),
  origins: () => import('./interop/origins.ts'),
}

// To be told to stop is to exit as usual: what is removed at the exit is removed then too.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

const [name = '', ...options] = process.argv.slice(2)
const known = options.every((option) => option === '--install')
const found = Object.hasOwn(interops, name) && known ? interops[name] : undefined
if (found === undefined) {
  console.error(`Usage: npm run interop -- <${Object.keys(interops).join(' | ')}> [--install]`)
  process.exitCode = 2
} else {
  const { run } = await found()
  process.exitCode = (await run(options.length > 0)) ? 0 : 1
}
