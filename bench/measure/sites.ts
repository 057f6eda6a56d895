/**
 * Sites of one deployment, held against each other: everything that one hands out, takes or does, tried at every other,
 * against a production bundle in workerd. What is tried is the tests' own list (`test/worker/sites/`).
 */
import { randomBytes } from 'node:crypto'
import { dirname, join } from 'node:path'

import { convertV4MiniflareOptions, Log, LogLevel, Miniflare, Response as Answer } from 'miniflare'

import { bundleWorker, type V4Options, workerOptionsOf } from '../../scripts/local-worker.ts'
import { Outside } from '../../test/worker/outside.ts'
import { credentials } from '../../test/worker/sites/credentials.ts'
import { cross } from '../../test/worker/sites/crossing.ts'
import { type Deployment, sites } from '../../test/worker/sites/deployment.ts'
import { effects } from '../../test/worker/sites/effects.ts'
import { hosts } from '../../test/worker/sites/hosts.ts'
import { type Outcome, printTable } from '../report.ts'
import { untilExit } from '../temporary.ts'
import { plainWorker } from '../workers.ts'

const configPath = join(import.meta.dirname, '../../test/worker/wrangler.toml')

export async function measureSites(): Promise<Outcome> {
  const script = await bundleWorker(configPath)
  const removeScript = untilExit(dirname(script))
  const outside = new Outside()
  const miniflare = start(script, outside)
  try {
    await miniflare.ready
    const deployment: Deployment = {
      outside,
      send: async (url, { headers, ...sent }) => {
        const init = { redirect: 'manual' as const, headers: { ...headers, 'x-url': url }, ...sent }
        const answer = await miniflare.dispatchFetch('http://localhost/', init)
        const bytes = await answer.arrayBuffer()
        const { status } = answer
        const said = [...answer.headers] as [string, string][]
        return new Response(bytes.byteLength === 0 ? null : bytes, { status, headers: said })
      },
    }
    return await report(deployment)
  } finally {
    await miniflare.dispose()
    removeScript()
  }
}

async function report(deployment: Deployment): Promise<Outcome> {
  const crossed = []
  for (const written of [...credentials, ...effects]) crossed.push(await cross(deployment, written))
  const tried = []
  for (const { what, expected, ask } of hosts)
    tried.push({ what, expected, answered: await ask(deployment) })
  printTable(
    crossed.map(({ what, pairs, bad, passed, answers }) => ({
      crossed: what,
      pairs,
      'not good at home': bad.length,
      passed: passed.length,
      'elsewhere answered': answers.join(' | '),
    })),
  )
  console.log('')
  printTable(tried.map(({ what, expected, answered }) => ({ host: what, expected, answered })))
  console.log('')
  const bad = crossed.flatMap(({ what, bad: found }) => found.map((one) => `${what}: ${one}`))
  const passed = crossed.flatMap(({ what, passed: all }) => all.map((one) => `${what}: ${one}`))
  const wrong = tried.filter(({ expected, answered }) => expected !== answered)
  return {
    measure: 'sites',
    // What is not good at home shows nothing by being refused elsewhere.
    reached: [bad, passed, wrong].every(({ length }) => length === 0),
    sites: sites.length,
    kinds: crossed.length,
    crossings: crossed.reduce((sum, { pairs }) => sum + pairs, 0),
    bad,
    passed,
    hosts: tried.length,
    wrong,
  }
}

/** The Worker as it is deployed; what it asks for outside is answered here. */
function start(script: string, outside: Outside): Miniflare {
  const secrets = { SEAL_KEYS: randomBytes(32).toString('base64url') }
  const worker = {
    ...workerOptionsOf({ configPath, secrets }, script),
    outboundService: async (request: Request) => {
      const { method, url } = request
      const body = method === 'GET' || method === 'HEAD' ? null : await request.text()
      const headers = [...request.headers]
      const answer = await outside.answer(new Request(url, { method, headers, body }))
      const { status } = answer
      const bytes = await answer.arrayBuffer()
      return new Answer(bytes.byteLength === 0 ? null : bytes, {
        status,
        headers: [...answer.headers],
      })
    },
  }
  const options: unknown = {
    host: '127.0.0.1',
    port: 0,
    log: new Log(LogLevel.ERROR),
    logRequests: false,
    handleStructuredLogs: () => undefined,
    workers: [plainWorker('hosts', { serviceBindings: { GATE: 'sallyport-test' } }), worker],
  }
  return new Miniflare(convertV4MiniflareOptions(options as V4Options))
}
