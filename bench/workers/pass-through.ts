/** The limit: a Worker that forwards and does nothing else. */
interface Env {
  readonly ORIGIN: { fetch(request: Request): Promise<Response> }
}

export default {
  fetch: (request: Request, env: Env): Promise<Response> => env.ORIGIN.fetch(request),
}
