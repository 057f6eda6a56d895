/**
 * Who reads our answer: a person who navigates gets a page or a redirect, a program gets
 * `application/problem+json`.
 */
export type Audience = 'navigation' | 'program'

/** Fetch metadata decides where it is sent, `Accept` where it is not. */
export function audienceOf(request: Request): Audience {
  const mode = request.headers.get('sec-fetch-mode')
  if (mode !== null) {
    const destination = request.headers.get('sec-fetch-dest')
    // A frame or an embedded object is no place to sign in.
    return mode === 'navigate' && (destination === null || destination === 'document')
      ? 'navigation'
      : 'program'
  }
  return (request.headers.get('accept') ?? '').includes('text/html') ? 'navigation' : 'program'
}

/** Whether the request can be sent to sign in and come back to where it wanted to go. */
export function mayReturn(request: Request): boolean {
  return (request.method === 'GET' || request.method === 'HEAD') && !request.headers.has('upgrade')
}
