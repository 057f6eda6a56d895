/**
 * The gate, with its bindings watched: which objects are called, from the Worker and from other objects, and what is read
 * in KV. `/counts` gives the counts since it was asked last.
 */
import gate, * as objects from 'gate'

type Env = Readonly<Record<string, unknown>>

let counts: Record<string, number> = {}
const watched = new WeakMap<Env, Env>()

function watch(env: Env): Env {
  const known = watched.get(env)
  if (known !== undefined) return known
  const entries = Object.entries(env).map(([name, binding]) =>
    name.endsWith('_OBJECTS') || name === 'DOCUMENTS'
      ? [name, watchBinding(name, binding as object)]
      : [name, binding],
  )
  const made = Object.fromEntries(entries) as Env
  watched.set(env, made)
  return made
}

/** The gate makes a stub for each call, so stubs made are calls. */
function watchBinding(name: string, binding: object): object {
  return new Proxy(binding, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property)
      if (typeof value !== 'function') return value
      return (...given: unknown[]): unknown => {
        const isCall = ['get', 'getByName', 'getWithMetadata', 'put'].includes(String(property))
        if (isCall) counts[name] = (counts[name] ?? 0) + 1
        return Reflect.apply(value, target, given)
      }
    },
  })
}

type ObjectClass = new (state: object, env: Env) => object

function watchedClass(Class: ObjectClass): ObjectClass {
  return class extends Class {
    constructor(state: object, env: Env) {
      super(state, watch(env))
    }
  }
}

export const DenylistObject = watchedClass(objects.DenylistObject)
export const DeviceObject = watchedClass(objects.DeviceObject)
export const IssuerObject = watchedClass(objects.IssuerObject)
export const KeyObject = watchedClass(objects.KeyObject)
export const SessionObject = watchedClass(objects.SessionObject)

export default {
  async fetch(request: Request, env: Env, context: object): Promise<Response> {
    if (new URL(request.url).pathname !== '/counts') return gate.fetch(request, watch(env), context)
    const answer = Response.json(counts)
    counts = {}
    return answer
  },
}
