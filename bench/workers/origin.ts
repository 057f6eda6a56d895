/** What lies behind: as little as an origin can do. */
export default {
  fetch: (): Response => new Response('hello', { headers: { 'content-type': 'text/plain' } }),
}
