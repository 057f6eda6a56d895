/**
 * Everything that takes part in the contest, each in a workerd of its own, and what they need: an issuer, a provider, an
 * origin behind a service binding in the same process and one behind HTTP in another.
 */
import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { SignJWT } from 'jose'

import { type RunningProvider, startProvider } from '../../examples/demo/provider.ts'
import { startListening } from '../../scripts/interop/program.ts'
import { bundleWorker } from '../../scripts/local-worker.ts'
import { freePort } from '../../scripts/ports.ts'
import { makeSigner, type RunningIssuer, type Signer, startIssuer } from '../issuer.ts'
import { Person } from '../person.ts'
import type { OutsideContender } from '../outside/contender.ts'
import { proveRefusals } from '../outside/refusals.ts'
import { workerds } from '../processes.ts'
import { untilExit } from '../temporary.ts'
import {
  bundleGate,
  gateWorker,
  objectsOf,
  passThrough,
  plainWorker,
  type Running,
  startWorkers,
} from '../workers.ts'
import { sitesOf } from './gate-sites.ts'

type Worker = Readonly<Record<string, unknown>>

/** A running contender. */
export interface Contender {
  readonly pid: number
  readonly port: number
  readonly site: string
}

interface WorkerContender extends Contender, Running {}

export interface Gate extends WorkerContender {
  /** A person signed in there, by the real provider. */
  readonly person: Person
}

/** Paths of the bundles. */
interface Scripts {
  readonly gate: string
  readonly contenders: string
}

const clientId = 'contest'

export class World {
  readonly issuer: RunningIssuer
  readonly signers: readonly Signer[]
  readonly #provider: RunningProvider
  readonly #ports: number[]
  readonly #closing: (() => unknown)[]
  readonly #scripts: Scripts
  readonly #clientSecret: string
  #upstream = ''

  private constructor(
    issuer: RunningIssuer,
    signers: readonly Signer[],
    provider: RunningProvider,
    scripts: Scripts,
    clientSecret: string,
    ports: number[],
    closing: (() => unknown)[],
  ) {
    this.issuer = issuer
    this.signers = signers
    this.#provider = provider
    this.#scripts = scripts
    this.#clientSecret = clientSecret
    this.#ports = ports
    this.#closing = closing
  }

  /** With ports for so many gates: the provider knows each by its address. */
  static async open(gates: number): Promise<World> {
    const [gate, contenders] = await Promise.all([
      bundleGate(),
      bundleWorker(join(import.meta.dirname, '../contenders/wrangler.toml')),
    ])
    const removeContenders = untilExit(dirname(contenders))
    const scripts = { gate: gate.script, contenders }
    const issuer = await startIssuer()
    const others = ['RS256', 'EdDSA'].map((alg) =>
      makeSigner(alg, `https://${alg.toLowerCase()}.test`),
    )
    const ports: number[] = []
    while (ports.length < gates) ports.push(await freePort())
    const clientSecret = randomBytes(24).toString('base64url')
    const provider = await startProvider({
      port: 0,
      accessTokenLifetime: 3600,
      clients: [
        {
          client_id: clientId,
          client_secret: clientSecret,
          redirect_uris: ports.map((port) => `http://localhost:${String(port)}/auth/callback`),
          grant_types: ['authorization_code', 'refresh_token'],
        },
      ],
    })
    const closing = [
      () => gate.close(),
      removeContenders,
      () => issuer.close(),
      () => provider.close(),
    ]
    const signers = [issuer.signer, ...(await Promise.all(others))]
    const world = new World(issuer, signers, provider, scripts, clientSecret, ports, closing)
    const origin = await world.start([plainWorker('origin')])
    world.#upstream = `http://localhost:${String(origin.port)}`
    return world
  }

  get gateScript(): string {
    return this.#scripts.gate
  }

  /** The first of the Workers is the one that answers. */
  async start(workers: readonly Worker[], at = 0): Promise<WorkerContender> {
    const before = new Set(workerds())
    const running = await startWorkers(workers, undefined, at)
    this.#closing.push(() => running.close())
    const [pid = 0, more] = workerds().filter((one) => !before.has(one))
    if (pid === 0 || more !== undefined) throw new Error('there is not one process more')
    return { ...running, pid, site: `http://localhost:${String(running.port)}` }
  }

  startPassThrough(http = false): Promise<Contender> {
    if (!http) return this.start([passThrough(), plainWorker('origin')])
    return this.start([
      plainWorker('pass-through-http', { bindings: { UPSTREAM: this.#upstream } }),
    ])
  }

  startCopying(): Promise<Contender> {
    const worker = plainWorker('copying', { serviceBindings: { ORIGIN: 'origin' } })
    return this.start([worker, plainWorker('origin')])
  }

  async startGate({ routes = 5, marks = 0, http = false } = {}): Promise<Gate> {
    const port = this.#takePort()
    return this.startGateOf((vars) => gateWorker(this.#scripts.gate, vars), {
      port,
      routes,
      marks,
      http,
    })
  }

  /** A gate made otherwise, from the same configuration. */
  async startGateOf(
    make: (vars: Worker) => Worker,
    {
      port = this.#ports.pop(),
      routes = 5,
      marks = 0,
      http = false,
    }: { port?: number | undefined; routes?: number; marks?: number; http?: boolean } = {},
  ): Promise<Gate> {
    const vars = this.#gateVars(`localhost:${String(port)}`, routes, http)
    const contender = await this.start([make(vars), plainWorker('origin')], port)
    if (marks > 0) await addMarks(contender, marks)
    const person = new Person(contender.site, 'ada')
    await person.signIn()
    return { ...contender, person }
  }

  /** One of `bench/contenders`. */
  async startContender(name: string, bindings: Worker, http = false): Promise<Contender> {
    const script = this.#scripts.contenders
    const worker = {
      name,
      modules: true,
      rootPath: dirname(script),
      scriptPath: script,
      compatibilityDate: '2026-10-20',
      bindings: { ...bindings, CONTENDER: name, ...(http ? { UPSTREAM: this.#upstream } : {}) },
      ...(http ? {} : { serviceBindings: { ORIGIN: 'origin' } }),
    }
    return this.start(http ? [worker] : [worker, plainWorker('origin')])
  }

  /** One outside workerd; with the cookies of somebody who has signed in, where it has sessions. */
  async startOutside(
    outside: OutsideContender,
  ): Promise<{ readonly contender: Contender; readonly cookie: string }> {
    const port = this.#takePort()
    const folder = await mkdtemp(join(tmpdir(), 'sallyport-bench-'))
    // Read by whom a server becomes when it has started.
    await chmod(folder, 0o755)
    this.#closing.push(untilExit(folder))
    const program = await outside.program({
      port,
      folder,
      upstream: this.#upstream,
      issuer: this.#provider.issuer,
      clientId,
      clientSecret: this.#clientSecret,
      signer: this.issuer.signer,
    })
    const { pid, close } = await startListening(program, port)
    this.#closing.push(close)
    const site = `http://localhost:${String(port)}`
    const person = new Person(site, 'ada')
    if (outside.loginPath !== undefined) await person.signIn(outside.loginPath)
    const cookie = person.cookieHeader(site)
    await proveRefusals(outside, site, cookie, this.issuer.signer)
    return { contender: { pid, port, site }, cookie }
  }

  #takePort(): number {
    const port = this.#ports.pop()
    if (port === undefined) throw new Error('the world was opened for fewer gates')
    return port
  }

  /** What `@hono/oidc-auth` is configured with, and a session of it, sealed as it seals its own. */
  async honoSession(): Promise<{ readonly bindings: Worker; readonly cookie: string }> {
    const secret = randomBytes(32).toString('base64url')
    const bindings = {
      OIDC_AUTH_SECRET: secret,
      OIDC_ISSUER: this.#provider.issuer,
      OIDC_CLIENT_ID: clientId,
      OIDC_CLIENT_SECRET: this.#clientSecret,
    }
    const now = Math.floor(Date.now() / 1000)
    const session = await new SignJWT({
      sub: 'ada',
      email: 'ada@example.test',
      rtk: randomBytes(32).toString('base64url'),
      rtkexp: now + 3600,
      ssnexp: now + 86_400,
    })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT' })
      .sign(new TextEncoder().encode(secret))
    return { bindings, cookie: `oidc-auth=${session}` }
  }

  async close(): Promise<void> {
    for (const close of this.#closing.toReversed()) await close()
  }

  #gateVars(host: string, routes: number, http: boolean): Worker {
    const [es256, ...pinned] = this.signers
    const upstream = http ? this.#upstream : undefined
    return {
      ISSUERS: [
        { id: 'es256', issuer: es256?.issuer, algorithms: ['ES256'] },
        ...pinned.map(({ algorithm, issuer, publicJwk }) => ({
          id: algorithm.toLowerCase(),
          issuer,
          algorithms: [algorithm],
          keys: [publicJwk],
        })),
      ],
      PROVIDERS: [
        {
          id: 'provider',
          issuer: this.#provider.issuer,
          client_id: clientId,
          client_secret: { secret: 'CLIENT_SECRET' },
        },
      ],
      CLIENT_SECRET: this.#clientSecret,
      SITES: sitesOf({
        host,
        provider: 'provider',
        issuers: this.signers.map(({ algorithm }) => algorithm.toLowerCase()),
        upstream,
        routes,
      }),
    }
  }
}

async function addMarks(running: Running, count: number): Promise<void> {
  const objects = await objectsOf(running, 'DENYLIST_OBJECTS')
  const shard = objects.getByName('marks/1/0/1') as unknown as {
    add(marks: readonly object[]): Promise<void>
  }
  for (let i = 0; i < count; i += 1000) {
    await shard.add(
      Array.from({ length: 1000 }, (_, j) => ({
        site: 'gate',
        target: { kind: 'session', id: `ses_${String(i + j)}` },
        before: 'now',
        edgeFor: 3600,
        keepFor: 3600,
        reason: 'measured',
        by: 'contest',
      })),
    )
  }
}
