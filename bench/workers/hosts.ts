/** Sends a request on as the one that `x-url` names: its scheme and host are those of a deployment, not of this machine. */
export default {
  fetch(request: Request, env: { readonly GATE: { fetch(request: Request): Promise<Response> } }) {
    const url = request.headers.get('x-url') ?? ''
    const headers = new Headers(request.headers)
    headers.delete('x-url')
    headers.set('host', url.split('/')[2] ?? '')
    return env.GATE.fetch(
      new Request(url, { method: request.method, headers, body: request.body, redirect: 'manual' }),
    )
  },
}
