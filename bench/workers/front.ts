/** Spreads requests over copies of the gate, each an isolate of its own, by a header. */
type Env = Readonly<Record<string, { fetch(request: Request): Promise<Response> }>>

export default {
  fetch(request: Request, env: Env): Promise<Response> | Response {
    const copy = env[`GATE_${request.headers.get('x-isolate') ?? ''}`]
    return copy === undefined ? new Response('no such copy', { status: 404 }) : copy.fetch(request)
  },
}
