/** oauth2-proxy, built from its Go module: a session in a cookie of its own. */
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { find, installFromDebian, lastLine, run } from '../../scripts/interop/program.ts'
import type { OutsideContender } from './contender.ts'

const module = 'github.com/oauth2-proxy/oauth2-proxy/v7@v7.15.6'
const folder = join(import.meta.dirname, '../../node_modules/.cache/sallyport')
const built = join(folder, 'oauth2-proxy')

export const oauth2Proxy: OutsideContender = {
  name: 'oauth2-proxy',
  does: 'session',
  loginPath: '/auth/start?rd=/session/x',
  prepare: async (install) => {
    if (program() !== undefined) return undefined
    if (!install) return `not built: ${module}`
    if (find('go') === undefined) {
      const hindrance = await installFromDebian('golang-go')
      if (hindrance !== undefined) return hindrance
    }
    console.log(`Building ${module} ...`)
    const made = await run('go', ['install', module], {
      env: { GOBIN: folder, GOFLAGS: '-mod=mod' },
    })
    return made.ok ? undefined : `go: ${lastLine(made.output)}`
  },
  program: async ({ port, upstream, issuer, clientId, clientSecret }) => ({
    command: program() ?? 'oauth2-proxy',
    args: [
      `--http-address=127.0.0.1:${String(port)}`,
      `--upstream=${upstream}/`,
      '--provider=oidc',
      `--oidc-issuer-url=${issuer}`,
      `--client-id=${clientId}`,
      `--client-secret=${clientSecret}`,
      `--redirect-url=http://localhost:${String(port)}/auth/callback`,
      '--proxy-prefix=/auth',
      `--cookie-secret=${randomBytes(16).toString('hex')}`,
      '--cookie-secure=false',
      '--email-domain=*',
      '--insecure-oidc-allow-unverified-email=true',
      '--scope=openid email',
      '--code-challenge-method=S256',
      '--skip-provider-button=true',
      '--request-logging=false',
      '--auth-logging=false',
      '--standard-logging=false',
    ],
    env: { GOMAXPROCS: '1' },
  }),
}

function program(): string | undefined {
  return existsSync(built) ? built : find('oauth2-proxy')
}
