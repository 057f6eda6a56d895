/** The limit where the upstream is an address: a Worker that forwards and does nothing else. */
interface Env {
  readonly UPSTREAM: string
}

export default {
  fetch(request: Request, env: Env): Promise<Response> {
    const { pathname, search } = new URL(request.url)
    return fetch(new Request(env.UPSTREAM + pathname + search, request))
  },
}
