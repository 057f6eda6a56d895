/**
 * Where the journeys get their browser. A Chromium of the system comes first, since it is what
 * people have; failing that, the one from npm, so that a bare Linux machine needs nothing but npm.
 */
import { execFile } from 'node:child_process'
import {
  access,
  constants,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { type Browser, chromium } from 'playwright-core'

export interface Chromium {
  readonly executablePath: string
  readonly args: readonly string[]
  /** What the browser needs beside the environment of this process. */
  readonly env: Readonly<Record<string, string>>
}

export interface MissingChromium {
  readonly missing: string
}

const run = promisify(execFile)
const root = join(import.meta.dirname, '..', '..')

// The sandbox needs rights which root in a container lacks; the only pages opened are our own. QUIC
// and the background services would speak to hosts that no test knows of.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

const systemPaths = [
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/usr/bin/google-chrome-stable',
  '/opt/google/chrome/chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** Every candidate is started once: a file may be there and lack a library, or be a mere stub. */
export async function findChromium(): Promise<Chromium | MissingChromium> {
  const named = process.env['CHROMIUM_PATH']
  if (named !== undefined && named !== '') {
    const failure = await whyItDoesNotStart(named, {})
    return failure === null
      ? { executablePath: named, args, env: {} }
      : { missing: `CHROMIUM_PATH names ${named}, which does not start: ${failure}` }
  }
  for (const executablePath of systemPaths) {
    if ((await whyItDoesNotStart(executablePath, {})) === null) {
      return { executablePath, args, env: {} }
    }
  }
  return await chromiumFromNpm()
}

/** A headless browser, or an error that says what is missing. */
export async function launchBrowser(known?: Chromium): Promise<Browser> {
  const found = known ?? (await findChromium())
  if ('missing' in found) throw new Error(found.missing)
  return await chromium.launch({
    executablePath: found.executablePath,
    headless: true,
    args: [...found.args],
    env: { ...process.env, ...found.env },
  })
}

async function chromiumFromNpm(): Promise<Chromium | MissingChromium> {
  const advice = 'install Chromium, or set CHROMIUM_PATH to one'
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    return { missing: `no Chromium found on ${process.platform}-${process.arch}: ${advice}` }
  }
  try {
    const folder = await unpacked()
    const env = {
      // The archive brings NSS, NSPR and expat, the only libraries it wants beside glibc
      LD_LIBRARY_PATH: join(folder, 'al2023', 'lib'),
      FONTCONFIG_FILE: join(folder, 'fonts.conf'),
    }
    const executablePath = join(folder, 'chromium')
    const failure = await whyItDoesNotStart(executablePath, env)
    return failure === null
      ? { executablePath, args: [...args, '--no-zygote'], env }
      : { missing: `the Chromium from npm does not start (${failure}): ${advice}` }
  } catch (error) {
    return { missing: `the Chromium from npm cannot be unpacked (${String(error)}): ${advice}` }
  }
}

/**
 * The folder with the unpacked browser. The package unpacks to the common temporary folder, under
 * names anybody might have taken, and only part of it outside a serverless function: hence a child
 * with a folder and an environment of its own, and a rename, which one of several runs wins.
 */
async function unpacked(): Promise<string> {
  const manifest = join(root, 'node_modules', '@sparticuz', 'chromium', 'package.json')
  const version = /"version": "([^"]+)"/.exec(await readFile(manifest, 'utf8'))?.[1] ?? 'unknown'
  const cache = join(root, 'node_modules', '.cache', 'sallyport')
  const folder = join(cache, `chromium-${version}`)
  if (await isThere(join(folder, 'fonts.conf'))) return folder

  await mkdir(cache, { recursive: true })
  const draft = await mkdtemp(join(cache, 'unpacking-'))
  try {
    const unpack = `import chromium from '@sparticuz/chromium'; await chromium.executablePath()`
    await run(process.execPath, ['--input-type=module', '--eval', unpack], {
      cwd: root,
      env: { ...process.env, TMPDIR: draft, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs24.x' },
    })
    await writeFile(join(draft, 'fonts.conf'), fontsIn(folder))
    await rename(draft, folder)
  } catch (error) {
    await rm(draft, { recursive: true, force: true })
    if (!(await isThere(join(folder, 'fonts.conf')))) throw error
  }
  return folder
}

/** The fonts of the system if it has any, and the one that comes along if not. */
function fontsIn(folder: string): string {
  return `<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>${folder}/fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>${folder}/fonts-cache</cachedir>
</fontconfig>
`
}

async function whyItDoesNotStart(
  executable: string,
  env: Readonly<Record<string, string>>,
): Promise<string | null> {
  if (!(await isThere(executable))) return 'there is no such program'
  try {
    await run(executable, ['--version', '--no-sandbox'], {
      env: { ...process.env, ...env },
      timeout: 30_000,
    })
    return null
  } catch (error) {
    const lines = String(error instanceof Error ? error.message : error)
      .trim()
      .split('\n')
    return lines.at(-1) ?? 'unknown reason'
  }
}

async function isThere(path: string): Promise<boolean> {
  return await access(path, constants.R_OK).then(
    () => true,
    () => false,
  )
}
