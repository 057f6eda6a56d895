/**
 * The demo's API. It answers with what it received, streams, takes uploads and sockets; who calls, it has from the
 * assertion alone.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { pipeline } from 'node:stream'

import { type Caller, callerOf, type Verify, verifierOf } from './caller.ts'
import { sendEvents } from './events.ts'
import { serveSockets } from './socket.ts'
import { receiveUpload } from './upload.ts'

export interface ApiOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** The site: issuer of assertions, and where its keys are. Asked for once the Worker runs. */
  readonly site: () => string
  readonly audience: string
}

export interface RunningApi {
  readonly url: string
  close(): Promise<void>
}

export async function startApi(options: ApiOptions): Promise<RunningApi> {
  const verify = verifierOf(options.site, options.audience)
  const server = createServer((request, response) => {
    answer(request, response, verify).catch(() => response.destroy())
  })
  const sockets = serveSockets(server, '/api/socket', verify)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port, '127.0.0.1', resolve)
  })
  return {
    url: `http://localhost:${(server.address() as AddressInfo).port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        sockets.end()
        server.closeAllConnections()
      }),
  }
}

type Endpoint = (
  request: IncomingMessage,
  response: ServerResponse,
  caller: Caller,
) => void | Promise<void>

/** What is for callers whom it knows. */
const forCallers: Readonly<Record<string, Endpoint>> = {
  '/api/events': sendEvents,
  '/api/upload': receiveUpload,
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  verify: Verify,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://api.invalid')
  const endpoint = forCallers[url.pathname]
  if (endpoint !== undefined) {
    const called = await callerOf(request, verify)
    if ('caller' in called) return endpoint(request, response, called.caller)
    const { status, headers, body } = called.refused
    return void response.writeHead(status, headers).end(body)
  }
  const [, , action, argument] = url.pathname.split('/')
  switch (action) {
    case 'echo':
      response.writeHead(200, {
        'content-type': request.headers['content-type'] ?? 'application/octet-stream',
      })
      return void pipeline(request, response, () => undefined)
    case 'redirect':
      return void response.writeHead(302, { location: '/api/me' }).end()
    case 'status':
      return void response.writeHead(Number(argument) || 500).end()
    case 'slow':
      await new Promise((resolve) =>
        setTimeout(resolve, Number(url.searchParams.get('ms') ?? 1000)),
      )
      break
    case undefined:
    default:
  }
  await me(request, response, verify)
}

async function me(
  request: IncomingMessage,
  response: ServerResponse,
  verify: Verify,
): Promise<void> {
  const verified = await verify(request)
  // On a public route nobody is told of, and the demo shows what arrives then too
  const isAnonymous = !verified.ok && verified.refusal.reason === 'assertion_missing'
  const status = verified.ok || isAnonymous ? 200 : 401
  // The assertion itself is not shown: it would be a token in a page.
  const headers = { ...request.headers }
  for (const name of ['authorization', 'sallyport-assertion'])
    if (headers[name] !== undefined) headers[name] = '(the assertion: see identity)'
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(
    JSON.stringify({
      method: request.method,
      path: request.url,
      identity: verified.ok ? verified.value.claims : isAnonymous ? null : verified.refusal,
      headers,
    }),
  )
}
