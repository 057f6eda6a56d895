/** The contenders that Debian has. */
import { createPublicKey, randomBytes } from 'node:crypto'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { find, installFromDebian } from '../../scripts/interop/program.ts'
import type { OutsideContender, Setting } from './contender.ts'

const modules = '/usr/lib/apache2/modules'

/** What a C program costs that only passes on. */
export const nginx: OutsideContender = {
  name: 'nginx, passes on',
  does: 'nothing',
  prepare: (install) => installed(find('nginx') !== undefined, ['nginx-light'], install),
  program: async (setting) => {
    const { folder, port, upstream } = setting
    const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
      .map((name) => `  ${name}_temp_path ${join(folder, name)};`)
      .join('\n')
    const config = write(
      setting,
      'nginx.conf',
      `daemon off;
worker_processes 1;
pid ${join(folder, 'nginx.pid')};
error_log stderr;
events {}
http {
  access_log off;
${temporary}
  keepalive_requests 1000000;
  upstream origin { server ${new URL(upstream).host}; keepalive 64; }
  server {
    listen 127.0.0.1:${String(port)};
    location / {
      proxy_pass http://origin;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }
  }
}
`,
    )
    return { command: 'nginx', args: ['-p', folder, '-c', config] }
  },
}

/** Verifies a signature with a key in a file, and looks at issuer, audience and end, as its documentation shows. */
export const haproxy: OutsideContender = {
  name: 'HAProxy jwt_verify',
  does: 'bearer',
  prepare: (install) => installed(find('haproxy') !== undefined, ['haproxy'], install),
  program: async (setting) => {
    const { port, upstream, signer } = setting
    const { alg, ...jwk } = signer.publicJwk
    const key = write(
      setting,
      'issuer.pem',
      createPublicKey({ key: jwk, format: 'jwk' })
        .export({ type: 'spki', format: 'pem' })
        .toString(),
    )
    const config = write(
      setting,
      'haproxy.cfg',
      `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend gate
  bind 127.0.0.1:${String(port)}
  http-request set-var(txn.alg) http_auth_bearer,jwt_header_query('$.alg')
  http-request set-var(txn.iss) http_auth_bearer,jwt_payload_query('$.iss')
  http-request set-var(txn.aud) http_auth_bearer,jwt_payload_query('$.aud')
  http-request set-var(txn.exp) http_auth_bearer,jwt_payload_query('$.exp','int')
  http-request set-var(txn.now) date()
  http-request deny deny_status 401 unless { var(txn.alg) -m str ${String(alg)} }
  http-request deny deny_status 401 unless { var(txn.iss) -m str ${signer.issuer} }
  http-request deny deny_status 401 unless { var(txn.aud) -m str api }
  http-request deny deny_status 401 unless { http_auth_bearer,jwt_verify(txn.alg,"${key}") -m int 1 }
  http-request deny deny_status 401 if { var(txn.exp),sub(txn.now) -m int lt 0 }
  default_backend origin
backend origin
  server origin ${new URL(upstream).host}
`,
    )
    return { command: 'haproxy', args: ['-W', '-db', '-f', config] }
  },
}

/** A session in a cookie of its own. One process, with a thread for each request under way: it may use
 * more than one processor. */
export const modAuthOpenidc: OutsideContender = {
  name: 'mod_auth_openidc',
  does: 'session',
  loginPath: '/session/x',
  prepare: (install) => {
    const isThere =
      find('apache2') !== undefined && existsSync(join(modules, 'mod_auth_openidc.so'))
    return installed(isThere, ['apache2', 'libapache2-mod-auth-openidc'], install)
  },
  program: async (setting) => {
    const { folder, port, upstream, issuer, clientId, clientSecret } = setting
    const names = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'proxy', 'proxy_http']
    const load = [...names, 'auth_openidc']
      .map((name) => `LoadModule ${name}_module ${modules}/mod_${name}.so`)
      .join('\n')
    const config = write(
      setting,
      'apache.conf',
      `ServerRoot ${folder}
DefaultRuntimeDir ${folder}
PidFile ${join(folder, 'apache.pid')}
ErrorLog /dev/null
ServerName localhost
Listen 127.0.0.1:${String(port)}
${load}
User www-data
Group www-data
ServerLimit 1
ThreadLimit 80
StartServers 1
ThreadsPerChild 80
MaxRequestWorkers 80
KeepAlive On
MaxKeepAliveRequests 0
OIDCProviderMetadataURL ${issuer}/.well-known/openid-configuration
OIDCClientID ${clientId}
OIDCClientSecret ${clientSecret}
OIDCRedirectURI http://localhost:${String(port)}/auth/callback
OIDCCryptoPassphrase ${randomBytes(24).toString('hex')}
OIDCSessionType client-cookie
OIDCSessionInactivityTimeout 3600
OIDCScope "openid email"
OIDCPKCEMethod S256
OIDCUnAuthAction auth true
ProxyPass / ${upstream}/ enablereuse=on
<Location />
  AuthType openid-connect
  Require valid-user
</Location>
`,
    )
    return { command: 'apache2', args: ['-DFOREGROUND', '-f', config] }
  },
}

async function installed(
  isThere: boolean,
  packages: readonly string[],
  install: boolean,
): Promise<string | undefined> {
  if (isThere) return undefined
  return install ? installFromDebian(...packages) : `not installed: ${packages.join(' ')}`
}

function write({ folder }: Setting, name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}
