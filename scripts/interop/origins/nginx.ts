/** The example's nginx.conf, with ports that are free here, between the verifier and an application that tells what it was told. */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { type AddressInfo, connect, createServer as createSocketServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { endWithUs, type Server } from './program.ts'

export async function startBehindNginx(
  example: string,
  nginx: string,
  startVerifier: () => Promise<Server>,
): Promise<Server> {
  const verifier = await startVerifier()
  // What nginx hands on decides, so that the application is not reached by anybody whom nginx does not name
  const application = createServer((request, response) => {
    const { headers } = request
    const subject = headers['sallyport-subject'] ?? ''
    const leaked = headers.authorization ?? headers['sallyport-assertion']
    response.writeHead(subject !== '' && leaked === undefined ? 200 : 500)
    response.end(JSON.stringify({ subject }))
  })
  await new Promise<void>((resolve) => application.listen(0, '127.0.0.1', resolve))
  const port = await freePort()
  const ports: Readonly<Record<string, string>> = {
    9000: String(port),
    9001: new URL(verifier.url).port,
    9002: String((application.address() as AddressInfo).port),
  }
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-nginx-'))
  const text = readFileSync(example, 'utf8')
  writeFileSync(
    join(folder, 'nginx.conf'),
    text.replaceAll(/127\.0\.0\.1:(\d+)/g, (_all, own: string) => `127.0.0.1:${ports[own] ?? own}`),
  )
  const directives = `daemon off; master_process off; pid ${folder}/pid; error_log stderr;`
  const child = spawn(nginx, ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', directives], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = endWithUs(child)
  let output = ''
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()))
  const close = async () => {
    const gone = new Promise((resolve) => child.once('close', resolve))
    if (child.exitCode === null && child.kill()) await gone
    ended()
    application.close()
    application.closeAllConnections()
    rmSync(folder, { recursive: true, force: true })
    await verifier.close()
  }
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    if (await answers(port)) return { url: `http://127.0.0.1:${String(port)}`, close }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  await close()
  throw new Error(`nginx does not answer: ${output}`)
}

async function freePort(): Promise<number> {
  const server = createSocketServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true))
    socket.once('error', () => resolve(false)).once('connect', () => socket.destroy())
  })
}
