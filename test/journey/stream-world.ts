/**
 * A world for what streams: the gate on a socket of its own, nothing in front of it, an HTTP origin that each test
 * plays, and a client that sends and sees bytes.
 */
import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { dirname, join } from 'node:path'

import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare'
import { afterAll, beforeAll, beforeEach } from 'vitest'

import { bundleWorker, type V4Options, workerOptionsOf } from '../../scripts/local-worker.ts'
import { freePort } from './world.ts'

const configPath = join(import.meta.dirname, '../../examples/demo/wrangler.toml')

type Handler = (request: IncomingMessage, response: ServerResponse) => void

export interface StreamWorld {
  readonly port: number
  /** Where the gate is, without a slash at the end. */
  readonly site: string
  /** What answers behind the gate; each test sets it. */
  origin: Handler
  readonly server: Server
  /** What the Worker wrote to its console. */
  readonly log: readonly string[]
  /** Of somebody whom the routes below `/known` let in. */
  readonly token: string
}

const unset: Handler = (_, response) => void response.writeHead(500).end()

/** `routes` get their upstream from here, and are public where they do not say otherwise. */
export function aStreamWorld(
  routes: readonly Readonly<Record<string, unknown>>[],
  site: Readonly<Record<string, unknown>> = {},
): () => StreamWorld {
  let world: StreamWorld | null = null
  const closing: (() => Promise<unknown>)[] = []
  beforeAll(async () => {
    world = await open(routes, site, closing)
  })
  beforeEach(() => {
    if (world !== null) world.origin = unset
  })
  afterAll(async () => {
    for (const close of closing.toReversed()) await close()
  })
  return () => {
    if (world === null) throw new Error('The world is there only while a test runs')
    return world
  }
}

async function open(
  routes: readonly Readonly<Record<string, unknown>>[],
  site: Readonly<Record<string, unknown>>,
  closing: (() => Promise<unknown>)[],
): Promise<StreamWorld> {
  const script = await bundleWorker(configPath)
  closing.push(() => rm(dirname(script), { recursive: true, force: true }))
  const log: string[] = []
  const server = createServer((request, response) => world.origin(request, response))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  const connections = new Set<Socket>()
  server.on('connection', (socket) => connections.add(socket))
  closing.push(() => {
    // Those that became WebSockets are no longer the server's to close.
    for (const socket of connections) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`
  const port = await freePort()
  const { issuer, token } = await anIssuer()
  const written = routes.map(({ upstream, ...route }) => ({
    access: 'public',
    ...route,
    upstream: { url, ...(upstream as object | undefined) },
  }))
  const vars = {
    ISSUERS: [issuer],
    SITES: [
      {
        id: 's',
        hosts: [`localhost:${String(port)}`],
        development: true,
        ...site,
        routes: written,
      },
    ],
  }
  const secrets = { SEAL_KEYS: randomBytes(32).toString('base64url') }
  const { bindings, ...worker } = workerOptionsOf({ configPath, vars, secrets }, script)
  const { PROVIDERS: __, ...rest } = bindings as Readonly<Record<string, unknown>>
  const options: unknown = {
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    handleStructuredLogs: ({ message }: { message: string }) => log.push(message),
    workers: [
      {
        ...worker,
        // Nobody signs in here.
        bindings: rest,
        // Straight to the Worker: the development proxy in front of it reads and writes bodies in its own way.
        unsafeDirectSockets: [{ host: '127.0.0.1', port }],
      },
    ],
  }
  const miniflare = new Miniflare(convertV4MiniflareOptions(options as V4Options))
  closing.push(() => miniflare.dispose())
  await miniflare.ready
  const world: StreamWorld = {
    port,
    site: `http://localhost:${String(port)}`,
    origin: unset,
    server,
    log,
    token,
  }
  return world
}

/** An origin that takes an upload: when it has begun, and how it ends there. */
export function watchUpload(world: StreamWorld) {
  const started = Promise.withResolvers<void>()
  const end = Promise.withResolvers<'whole' | 'broken'>()
  world.origin = (request) => {
    request.on('data', () => started.resolve())
    request.on('end', () => end.resolve('whole'))
    request.on('error', () => end.resolve('broken'))
  }
  return { started: started.promise, end: end.promise }
}

async function anIssuer() {
  const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
  const issuer = 'https://as.test'
  const key = { ...(await exportJWK(publicKey)), kid: 'known', alg: 'ES256', use: 'sig' }
  const token = await new SignJWT({ client_id: 'app', jti: 'one' })
    .setProtectedHeader({ alg: 'ES256', kid: 'known', typ: 'at+jwt' })
    .setIssuer(issuer)
    .setSubject('ada')
    .setAudience('api')
    .setIssuedAt()
    .setExpirationTime('1h')
    .sign(privateKey)
  return { issuer: { id: 'as', issuer, algorithms: ['ES256'], keys: [key] }, token }
}

/** A connection to the gate, as bytes. */
export interface Wire {
  readonly socket: Socket
  /** All that came so far. */
  readonly received: () => Buffer
  /** Until `test` holds for what came, or the connection is closed. */
  until(test: (text: string) => boolean): Promise<string>
  /** Until the connection is closed; with everything that came. */
  closed(): Promise<string>
}

export function wireTo(port: number, text: string | Buffer): Wire {
  const socket = connect(port, '127.0.0.1')
  const chunks: Buffer[] = []
  const received = () => Buffer.concat(chunks)
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  // Broken is closed here: what came is what counts.
  socket.on('error', () => undefined)
  const whenClosed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  socket.write(text)
  const closed = async () => {
    await whenClosed
    return received().toString('latin1')
  }
  const until = (test: (text: string) => boolean) => {
    const met = new Promise<string>((resolve) => {
      const check = () => {
        const seen = received().toString('latin1')
        if (!test(seen)) return
        socket.off('data', check)
        resolve(seen)
      }
      socket.on('data', check)
      check()
    })
    return Promise.race([met, closed()])
  }
  return { socket, received, until, closed }
}

/** The head of a request to the gate, which closes the connection after its answer. */
export function head(
  { port }: StreamWorld,
  line: string,
  headers: Readonly<Record<string, string>> = {},
): string {
  const all = { Host: `localhost:${String(port)}`, Connection: 'close', ...headers }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${line} HTTP/1.1\r\n${lines.join('')}\r\n`
}

/** Everything that comes until the gate closes the connection. */
export async function ask({ port }: StreamWorld, request: string | Buffer): Promise<Buffer> {
  const wire = wireTo(port, request)
  await wire.closed()
  return wire.received()
}

export function headOf(answer: Buffer): string {
  return answer.subarray(0, answer.indexOf('\r\n\r\n') + 4).toString('latin1')
}

/** As it came, so in chunks where it came in chunks. */
export function bodyOf(answer: Buffer): Buffer {
  return answer.subarray(answer.indexOf('\r\n\r\n') + 4)
}
