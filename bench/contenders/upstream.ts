/** What every contender has behind it, by service binding or by address. */
export interface Upstream {
  readonly ORIGIN?: { fetch(request: Request): Promise<Response> }
  readonly UPSTREAM?: string
}

export function forward(request: Request, { ORIGIN, UPSTREAM }: Upstream): Promise<Response> {
  if (ORIGIN !== undefined) return ORIGIN.fetch(request)
  const { pathname, search } = new URL(request.url)
  return fetch(new Request(`${UPSTREAM ?? ''}${pathname}${search}`, request))
}
