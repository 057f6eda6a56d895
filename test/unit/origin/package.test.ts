/** What an origin installs: packed as npm packs it, and used without TypeScript, and with it. */
import { execFile } from 'node:child_process'
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { afterAll, beforeAll, expect, it } from 'vitest'

import { FakeSite } from './site.ts'

const root = join(import.meta.dirname, '../../..')
const folder = mkdtempSync(join(tmpdir(), 'sallyport-origin-'))
const installed = join(folder, 'node_modules/sallyport')
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const run = promisify(execFile)

/** The packed project as an origin's `node_modules` has it, with what it depends on beside it. */
beforeAll(async () => {
  const npm = process.env['npm_execpath'] ?? ''
  const pack = ['pack', '--silent', '--pack-destination', folder]
  await (/npm-cli\.[cm]?js$/.test(npm)
    ? run(process.execPath, [npm, ...pack], { cwd: root })
    : run('npm', pack, { cwd: root, shell: process.platform === 'win32' }))
  const archive = readdirSync(folder).find((name) => name.endsWith('.tgz')) ?? ''
  mkdirSync(installed, { recursive: true })
  await run('tar', ['-xzf', archive, '-C', 'node_modules/sallyport', '--strip-components=1'], {
    cwd: folder,
  })
  for (const name of ['jose', 'hono', 'express', 'fastify', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), 'junction')
  write('package.json', '{ "type": "module" }')
})

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

it('holds what origins import, and nothing of the Worker', () => {
  const files = readdirSync(installed, { recursive: true, encoding: 'utf8' })
  expect(files.filter((name) => /\.m?[jt]s$/.test(name)).toSorted()).toEqual(
    ['answer', 'assertion', 'express', 'fastify', 'hono', 'key-set', 'options', 'published-keys']
      .concat(['request', 'verifier'])
      .flatMap((name) => [join('dist/origin', `${name}.d.ts`), join('dist/origin', `${name}.js`)]),
  )
})

it('verifies in plain Node, which knows no TypeScript', async () => {
  const site = await FakeSite.make()
  site.now = Math.floor(Date.now() / 1000)
  const data = JSON.stringify({
    keys: site.keys,
    honest: await site.assertion(),
    forged: await site.assertion({ audience: 'invoices' }),
  })
  const program = write(
    'consumer.js',
    `import { createAssertionVerifier } from 'sallyport/origin'
     import { answerTo } from 'sallyport/origin/answer'
     import * as assertion from 'sallyport/origin/assertion'
     import * as express from 'sallyport/origin/express'
     import * as fastify from 'sallyport/origin/fastify'
     import * as hono from 'sallyport/origin/hono'
     const { keys, honest, forged } = ${data}
     const verifier = createAssertionVerifier({
       site: 'https://shop.example.com',
       audience: 'orders',
       fetch: async () => Response.json({ keys }),
     })
     const refused = await verifier.verify(forged)
     console.log(JSON.stringify([
       (await verifier.verify(honest)).value.subject,
       refused.refusal.check,
       answerTo(refused.refusal).status,
       ...[express, fastify, hono].map((module) => typeof module.requireAssertion(verifier)),
     ]))`,
  )
  const { stdout } = await run(process.execPath, ['--no-experimental-strip-types', program])
  expect(JSON.parse(stdout)).toEqual(['ada', 'audience', 401, 'function', 'function', 'function'])
})

it('is typed, and every piece of TypeScript in docs/origins.md and README.md about it is right', async () => {
  const blocks = ['docs/origins.md', 'README.md'].flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(/^```(?:ts|js)\n([\s\S]*?)^```/gm)].map(
      ([, code = '']) => code.replaceAll(/^ {3}/gm, ''),
    ),
  )
  expect(blocks.length).toBeGreaterThan(3)
  for (const [i, code] of blocks.entries()) write(`snippet-${String(i)}.ts`, `${code}\nexport {}\n`)
  write(
    'wrong.ts',
    `import { createAssertionVerifier } from 'sallyport/origin'
     // @ts-expect-error -- an audience is required
     createAssertionVerifier({ site: 'https://shop.example.com' })
     const verifier = createAssertionVerifier({ site: 'https://a.example', audience: 'a' })
     const verified = await verifier.verify('x')
     // @ts-expect-error -- there is a value only where it was accepted
     verified.value
     if (verified.ok) verified.value.subject satisfies string`,
  )
  const compiler = { strict: true, noEmit: true, module: 'nodenext', target: 'es2022' }
  const options = { ...compiler, lib: ['es2024'], types: ['node'], skipLibCheck: true }
  write('tsconfig.json', JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
  const tsc = join(root, 'node_modules/typescript/bin/tsc')
  const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch(
    (error: unknown) => error as { stdout: string },
  )
  expect(stdout).toBe('')
})
