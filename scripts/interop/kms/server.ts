/** Other people's programs: found, built, started on loopback, stopped by us. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'

const started = new Set<ChildProcess>()

export function stopServers(): void {
  for (const server of started) server.kill()
}

/** Where the program is on this machine, if it is. */
export function isInstalled(command: string, ...args: readonly string[]): boolean {
  return spawnSync(command, args, { stdio: 'ignore', timeout: 60_000 }).status === 0
}

interface RunOptions {
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly minutes: number
}

/** What it printed. Throws with the end of its complaints. */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = {}, minutes }: RunOptions,
): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd, env: { ...process.env, ...env } })
    started.add(child)
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => (out += chunk))
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (err += chunk))
    const limit = setTimeout(() => child.kill(), minutes * 60_000)
    child.once('error', reject)
    child.once('close', (code, signal) => {
      clearTimeout(limit)
      started.delete(child)
      if (code === 0) return resolve(out)
      const how = signal === null ? `exits ${code}` : `was stopped after ${minutes} min`
      const [last = ''] = err.trim().split('\n').slice(-1)
      reject(new Error(`${command} ${args[0] ?? ''} ${how}: ${last.slice(0, 200)}`))
    })
  })
}

/** Started, and answering at the URL. */
export async function serve(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  url: string,
): Promise<void> {
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: 'ignore' })
  started.add(child)
  const state = { ended: false }
  for (const event of ['exit', 'error']) child.once(event, () => (state.ended = true))
  const deadline = Date.now() + 120_000
  while (Date.now() < deadline && !state.ended) {
    const answer = await fetch(url).catch(() => undefined)
    if (answer !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  throw new Error(`${command} ${state.ended ? 'ended' : 'does not answer'}`)
}
