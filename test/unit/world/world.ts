/**
 * The whole Worker in Node: its own code and its own objects; the runtime, the provider and the
 * origins are played. A test file that uses it has `runtime.ts` in the place of
 * `cloudflare:workers`.
 */
import { DatabaseSync } from 'node:sqlite'

import { vi } from 'vitest'

import type { Environment } from '../../../src/platform/environment.ts'
import { FakeProvider } from './provider.ts'
import { varsOf } from './vars.ts'

type Methods = Readonly<Record<string, (...args: unknown[]) => Promise<unknown>>>
type ObjectClass = new (ctx: never, env: never) => unknown

export const start = 1_800_000_000

export interface World {
  readonly env: Environment
  readonly provider: FakeProvider
  readonly browser: Browser
  /** What the origins received. */
  readonly received: Request[]
  /** What the Worker logged: the event and its fields. */
  readonly logged: Record<string, unknown>[]
  /** The stored values of the objects, by object name. */
  readonly storage: Map<string, Map<string, unknown>>
  /** Lets an origin answer in another way. */
  origin: (request: Request) => Response | Promise<Response>
  fetch(request: Request): Promise<Response>
  wait(seconds: number): void
  /** The same deployment in a fresh isolate, after a change of its vars. */
  restart(changes?: Parameters<typeof varsOf>[0]): Promise<void>
}

export async function createWorld(changes: Parameters<typeof varsOf>[0] = {}): Promise<World> {
  vi.useFakeTimers({ toFake: ['Date'], now: start * 1000 })
  const provider = await FakeProvider.start()
  const {
    DenylistObject,
    DeviceObject,
    IssuerObject,
    KeyObject,
    SessionObject,
    default: worker,
  } = await import('../../../src/index.ts')
  const storage = new Map<string, Map<string, unknown>>()
  const documents = new Map<string, string>()
  const environment = (written: Record<string, unknown>): Environment => {
    const env: Record<string, unknown> = {
      ...written,
      DOCUMENTS: {
        get: async (key: string) => JSON.parse(documents.get(key) ?? 'null') as unknown,
        put: async (key: string, value: string) => void documents.set(key, value),
      },
    }
    env['SESSION_OBJECTS'] = namespaceOf(SessionObject, env, storage)
    env['ISSUER_OBJECTS'] = namespaceOf(IssuerObject, env, storage)
    env['KEY_OBJECTS'] = namespaceOf(KeyObject, env, storage)
    env['DEVICE_OBJECTS'] = namespaceOf(DeviceObject, env, storage)
    env['DENYLIST_OBJECTS'] = namespaceOf(DenylistObject, env, storage)
    return env as unknown as Environment
  }
  let env = environment(varsOf(changes))
  const world: World = {
    get env() {
      return env
    },
    provider,
    received: [],
    logged: [],
    storage,
    origin: () => new Response('from the origin'),
    fetch: (request) => worker.fetch(request as never, env),
    wait: (seconds) => void vi.setSystemTime(Date.now() + seconds * 1000),
    restart: async (next = changes) => {
      env = environment(varsOf(next))
    },
    browser: undefined as unknown as Browser,
  }
  Object.assign(world, { browser: new Browser(world) })
  for (const level of ['info', 'warn', 'error'] as const) {
    vi.spyOn(console, level).mockImplementation((line: unknown) => {
      world.logged.push(JSON.parse(String(line)) as Record<string, unknown>)
    })
  }
  vi.stubGlobal('fetch', async (target: string | Request, init?: RequestInit) => {
    const request = new Request(target, init)
    if (new URL(request.url).host === 'id.example.com') return provider.fetch(request)
    world.received.push(request)
    return world.origin(request)
  })
  return world
}

/** Gives back the clock, the console and the network. */
export function endWorld(): void {
  vi.useRealTimers()
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
}

/** Objects by name; values cross the call as copies, as they do over RPC. */
function namespaceOf(
  Class: ObjectClass,
  env: Record<string, unknown>,
  storage: World['storage'],
): unknown {
  const objects = new Map<string, Methods>()
  return {
    getByName(name: string) {
      const kept = storage.get(`${Class.name} ${name}`) ?? new Map<string, unknown>()
      storage.set(`${Class.name} ${name}`, kept)
      const object =
        objects.get(name) ?? (new Class(context(kept) as never, env as never) as Methods)
      objects.set(name, object)
      return new Proxy(object, {
        get:
          (target, method: string) =>
          async (...args: unknown[]) =>
            structuredClone(await target[method]!(...structuredClone(args))),
      })
    },
  }
}

function context(kept: Map<string, unknown>): unknown {
  return {
    storage: {
      kv: {
        get: (key: string) => structuredClone(kept.get(key)),
        put: (key: string, value: unknown) => void kept.set(key, structuredClone(value)),
        delete: (key: string) => kept.delete(key),
      },
      sql: sqlOf(kept),
      transactionSync: (work: () => void) => work(),
      getAlarm: async () => null,
      setAlarm: async () => {},
      deleteAll: async () => kept.clear(),
    },
    waitUntil: () => {},
  }
}

const databases = new WeakMap<Map<string, unknown>, DatabaseSync>()

/** The SQL of an object's storage, as far as ours use it. */
function sqlOf(kept: Map<string, unknown>): unknown {
  const database = databases.get(kept) ?? new DatabaseSync(':memory:')
  databases.set(kept, database)
  return {
    exec(query: string, ...bindings: (string | number)[]) {
      if (bindings.length === 0 && query.includes(';')) {
        database.exec(query)
        return []
      }
      const rows = database.prepare(query).all(...bindings)
      return Object.assign(rows, { toArray: () => rows })
    },
  }
}

/** A cookie jar with a person in front of it. */
export class Browser {
  readonly jar = new Map<string, string>()
  readonly #world: World

  constructor(world: World) {
    this.#world = world
  }

  get cookieHeader(): string {
    return [...this.jar].map(([name, value]) => `${name}=${value}`).join('; ')
  }

  /** A navigation, or what `init` makes of it; redirects are not followed. */
  async visit(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    if (this.jar.size > 0 && !headers.has('cookie')) headers.set('cookie', this.cookieHeader)
    if (!headers.has('accept')) headers.set('accept', 'text/html')
    const url = new URL(path, 'https://shop.example.com').href
    const response = await this.#world.fetch(new Request(url, { ...init, headers }))
    for (const line of response.headers.getSetCookie()) this.#keep(line)
    return response
  }

  /** A fetch by a page of the site. */
  call(path: string, init: RequestInit = {}): Promise<Response> {
    const headers = { accept: 'application/json', 'sec-fetch-site': 'same-origin' }
    return this.visit(path, { ...init, headers: { ...headers, ...(init.headers as object) } })
  }

  /** Goes to sign in; gives the way back from the provider. */
  async beginLogin(query = ''): Promise<string> {
    const begun = await this.visit(`/auth/login${query}`)
    const back = this.#world.provider.authorize(begun.headers.get('location') ?? '')
    return `/auth/callback?${back.toString()}`
  }

  async signIn(query = ''): Promise<Response> {
    return this.visit(await this.beginLogin(query))
  }

  cookie(kind: 'access' | 'refresh'): string | undefined {
    return this.jar.get(`__Host-Http-sallyport-${kind}`)
  }

  #keep(line: string): void {
    const [, name = '', value = '', rest = ''] = /^([^=]+)=([^;]*)(.*)$/.exec(line) ?? []
    if (rest.includes('Max-Age=0')) this.jar.delete(name)
    else this.jar.set(name, value)
  }
}

/** The reason in a problem document. */
export async function reasonOf(response: Response): Promise<unknown> {
  const problem: unknown = await response.json()
  return (problem as Record<string, unknown>)['reason']
}
