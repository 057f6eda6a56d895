import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { join } from 'node:path'

import { expect, it, onTestFinished } from 'vitest'

import { freePort, isFree } from './world.ts'

const script = join(import.meta.dirname, '../../scripts/start.ts')

interface Started {
  readonly child: ChildProcess
  readonly printed: () => string
  readonly exit: Promise<number | null>
}

function start(port: string): Started {
  const child = spawn(process.execPath, [script], {
    env: { ...process.env, PORT: port },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (text += chunk.toString()))
  onTestFinished(() => void child.kill('SIGKILL'))
  const exit = once(child, 'exit').then(([code]) => (typeof code === 'number' ? code : null))
  return { child, printed: () => text, exit }
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  'starts everything, says where it is, and ends everything on %s',
  async (signal) => {
    const port = await freePort(2)
    const { child, printed, exit } = start(String(port))
    await expect.poll(printed, { timeout: 30_000 }).toContain(`http://localhost:${String(port)}/`)
    const page = await fetch(`http://localhost:${String(port)}/`)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('Sallyport demo')
    expect((await fetch(`http://localhost:${String(port)}/api/me`)).status).toBe(401)
    child.kill(signal)
    expect(await exit).toBe(0)
    for (const used of [port, port + 1, port + 2]) {
      await expect.poll(() => isFree(used), { timeout: 10_000 }).toBe(true)
    }
  },
)

it('says which port is taken, by what it is wanted, and what to do', async () => {
  const port = await freePort(2)
  const other = createServer()
  await new Promise<void>((resolve) => void other.listen(port + 1, '127.0.0.1', resolve))
  onTestFinished(() => void other.close())
  const { printed, exit } = start(String(port))
  expect(await exit).toBe(1)
  expect(printed()).toMatch(
    new RegExp(
      `Port ${String(port + 1)} is taken, and the OpenID provider wants it.*PORT=\\d+ npm start`,
    ),
  )
  expect(printed()).not.toContain('    at ')
})

it('says what PORT must be', async () => {
  const { printed, exit } = start('eighty')
  expect(await exit).toBe(1)
  expect(printed()).toContain('PORT is "eighty", but must be a whole number')
})
