/** A Worker that forwards what it has made itself, as whoever changes headers must: what that costs with nothing else. */
interface Env {
  readonly ORIGIN: { fetch(request: Request): Promise<Response> }
}

export default {
  async fetch(request: Request, env: Env): Promise<Response> {
    const { method, body, url } = request
    const headers = new Headers(request.headers)
    const response = await env.ORIGIN.fetch(
      new Request(url, { method, headers, body, redirect: 'manual' }),
    )
    const { status, statusText } = response
    return new Response(response.body, {
      status,
      statusText,
      headers: new Headers(response.headers),
    })
  },
}
