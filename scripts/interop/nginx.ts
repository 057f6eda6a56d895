/**
 * A real nginx with `examples/proxies/nginx.conf`, on the ports of this run and over plain http.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkBehind } from './forward-auth.ts'
import { type ForwardAuthWorld, moved } from './forward-auth-world.ts'

export function run(): Promise<boolean> {
  const nginx = { command: 'nginx', how: 'apt-get install nginx-light' }
  return checkBehind('nginx', nginx, (world) => {
    const settings = `daemon off; pid ${join(world.folder, 'pid')}; error_log stderr;`
    return { args: ['-p', world.folder, '-c', writeConfig(world), '-g', settings] }
  })
}

function writeConfig(world: ForwardAuthWorld): string {
  const { folder, proxyPort, workerPort, appPort, site, secret } = world
  const host = new URL(site).host
  const listen = `listen 127.0.0.1:${proxyPort}`
  const text = moved('nginx.conf', [
    ['listen 443 ssl', listen],
    ['    ssl_reject_handshake on;\n', ''],
    ['    ssl_certificate /etc/nginx/shop.pem;\n', ''],
    ['    ssl_certificate_key /etc/nginx/shop.key;\n', ''],
    ['server 127.0.0.1:3000;', `server 127.0.0.1:${appPort};`],
    ['server shop.example.com:443;', `server 127.0.0.1:${workerPort};`],
    ['server_name shop.example.com;', 'server_name localhost;'],
    ['https://sallyport', 'http://sallyport'],
    ['https://shop.example.com', site],
    ['X-Forwarded-Proto https', 'X-Forwarded-Proto http'],
    ['shop.example.com', host],
    // Nothing of this run outside its folder.
    [
      'http {\n',
      `http {\n  access_log off;\n${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
        .map((name) => `  ${name}_temp_path ${join(folder, name)};\n`)
        .join('')}`,
    ],
  ])
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'sallyport-secret.conf'),
    `proxy_set_header Sallyport-Proxy-Secret "${secret}";\n`,
    { mode: 0o600 },
  )
  const path = join(folder, 'nginx.conf')
  writeFileSync(path, text)
  return path
}
