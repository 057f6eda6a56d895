/**
 * A real Caddy with `examples/proxies/Caddyfile`, on the ports of this run and over plain http. `CADDY` names the program
 * where it is not on the path.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkBehind } from './forward-auth.ts'
import { type ForwardAuthWorld, moved } from './forward-auth-world.ts'

export function run(): Promise<boolean> {
  const command = process.env['CADDY'] ?? 'caddy'
  const how = 'its program on the path, or CADDY=/path/to/caddy'
  return checkBehind('caddy', { command, how }, (world) => ({
    args: ['run', '--adapter', 'caddyfile', '--config', writeConfig(world)],
    env: {
      SALLYPORT_PROXY_SECRET: world.secret,
      XDG_DATA_HOME: world.folder,
      XDG_CONFIG_HOME: world.folder,
    },
  }))
}

function writeConfig({ folder, site, proxyPort, workerPort, appPort }: ForwardAuthWorld): string {
  const text = moved('Caddyfile', [
    ['https://shop.example.com:443', `http://127.0.0.1:${workerPort}`],
    ['https://shop.example.com {', `http://localhost:${proxyPort} {\n\tbind 127.0.0.1`],
    ['X-Forwarded-Proto https', 'X-Forwarded-Proto http'],
    ['127.0.0.1:3000', `127.0.0.1:${appPort}`],
    ['shop.example.com', new URL(site).host],
  ])
  const path = join(folder, 'Caddyfile')
  writeFileSync(path, `{\n\tadmin off\n\tpersist_config off\n}\n\n${text}`)
  return path
}
