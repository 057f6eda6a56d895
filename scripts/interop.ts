/**
 * `npm run interop -- <name>`: Sallyport against other people's servers, as they are. Each file of scripts/interop/ is
 * one name; it prints a table and sets the exit code.
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

const names = readdirSync(join(import.meta.dirname, 'interop'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -'.ts'.length))
const [name = '', ...more] = process.argv.slice(2)

if (names.includes(name) && more.length === 0) {
  await import(`./interop/${name}.ts`)
} else {
  console.error(`Usage: npm run interop -- <${names.join(' | ')}>`)
  process.exitCode = 2
}
