/** The example's nginx.conf, with ports that are free here, between the verifier and an application that tells what it was told. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { freePort } from '../../ports.ts'
import { type Server, startListening } from '../program.ts'

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
  const args = ['-p', folder, '-c', join(folder, 'nginx.conf'), '-g', directives]
  const server = await startListening({ command: nginx, args }, port)
  const close = async () => {
    await server.close()
    application.close()
    application.closeAllConnections()
    rmSync(folder, { recursive: true, force: true })
    await verifier.close()
  }
  return { url: `http://127.0.0.1:${String(port)}`, close }
}
