/** The site that Sallyport fronts in the contest. */

export interface SiteOptions {
  readonly host: string
  readonly provider: string | undefined
  readonly issuers: readonly string[]
  /** An address, or `undefined` for the service binding. */
  readonly upstream: string | undefined
  /** At least five: the others are filled up. */
  readonly routes: number
}

/** `SITES` of the configuration. */
export function sitesOf({ host, provider, issuers, upstream, routes }: SiteOptions) {
  const to = upstream === undefined ? { service: 'ORIGIN' } : { url: upstream }
  const bearer = { any: ['bearer', 'machine'], audience: 'api', issuers }
  const session = provider === undefined ? bearer : 'session'
  const own = [
    { path: '/public/*', access: 'public', upstream: to },
    { path: '/bearer/*', access: bearer, upstream: to },
    { path: '/session/*', access: session, upstream: to },
    { path: '/strict/*', access: bearer, upstream: to, revocation: { strict: true } },
    {
      path: '/assertion/*',
      access: session,
      upstream: to,
      forward: { assertion: { audience: 'origin' } },
    },
  ]
  const more = Array.from({ length: Math.max(0, routes - own.length) }, (_, i) => ({
    path: `/service-${String(i)}/:id/*`,
    access: bearer,
    upstream: to,
  }))
  return [
    {
      id: 'gate',
      hosts: [host],
      development: true,
      ...(provider === undefined ? {} : { provider }),
      session: { access: '1h', idle: '6h', absolute: '12h' },
      routes: [...own, ...more],
    },
  ]
}
