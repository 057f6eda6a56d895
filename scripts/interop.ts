/**
 * `npm run interop -- <name>`: Sallyport with somebody else's software, for real. Prints what was seen; exits 1 where
 * something is not as it should be. Where that software is not there it says so, and counts as nothing.
 */
import { constants } from 'node:os'

interface Interop {
  readonly run: () => Promise<boolean>
}

const interops: Readonly<Record<string, () => Promise<Interop>>> = {
  nginx: () => import('./interop/nginx.ts'),
  caddy: () => import('./interop/caddy.ts'),
  kms: () => import('./interop/kms.ts'),
}

// To be told to stop is to exit as usual: what is removed at the exit is removed then too.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => process.exit(128 + constants.signals[signal]))

const [name = '', ...more] = process.argv.slice(2)
const found = Object.hasOwn(interops, name) && more.length === 0 ? interops[name] : undefined
if (found === undefined) {
  console.error(`Usage: npm run interop -- <${Object.keys(interops).join(' | ')}>`)
  process.exitCode = 2
} else {
  const { run } = await found()
  process.exitCode = (await run()) ? 0 : 1
}
