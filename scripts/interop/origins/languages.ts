/** The examples of examples/origins/ that can be run, and what each needs. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'

import { startBehindNginx } from './nginx.ts'
import { find, installFromDebian, lastLine, run, type Server, start } from '../program.ts'
import { keySetAge } from './site.ts'

export interface Language {
  readonly name: string
  /** Why it cannot be run here; nothing where it can. Rejects where the example itself does not build. */
  prepare(install: boolean): Promise<string | undefined>
  /** `SITE` and `AUDIENCE` are in `env`. */
  start(env: Readonly<Record<string, string>>): Promise<Server>
}

const root = join(import.meta.dirname, '../../..')
const examples = join(root, 'examples/origins')
const anyPort = { PORT: '0' }
const node = join(examples, 'node/origin.mjs')

export const languages: readonly Language[] = [
  {
    name: 'Node',
    prepare: buildOrigin,
    start: (env) => start([process.execPath, node], { ...env, ...anyPort }),
  },
  {
    name: 'nginx',
    async prepare(install) {
      if (find('nginx') === undefined) {
        if (!install) return 'nginx is not installed (--install, or apt-get install nginx-light)'
        const hindrance = await installFromDebian('nginx-light')
        if (hindrance !== undefined) return hindrance
      }
      return buildOrigin()
    },
    start: (env) =>
      startBehindNginx(join(examples, 'nginx/nginx.conf'), find('nginx') ?? 'nginx', () =>
        start([process.execPath, node], { ...env, ...anyPort }),
      ),
  },
  {
    name: 'Python',
    prepare: preparePython,
    start: (env) => start([python(), join(examples, 'python/origin.py')], { ...env, ...anyPort }),
  },
  {
    name: 'Go',
    prepare: prepareGo,
    start: (env) => start([join(examples, 'go/origin')], { ...env, ...anyPort }),
  },
  {
    name: 'Java',
    prepare: prepareJava,
    start: (env) =>
      start(['java', '-jar', join(examples, 'java/target/origin.jar')], {
        ...env,
        ...anyPort,
        KEY_SET_AGE: String(keySetAge),
      }),
  },
]

/** The example imports the package by its name, as an origin does. */
async function buildOrigin(): Promise<undefined> {
  const built = await run(process.execPath, [join(root, 'scripts/run.mjs'), 'build:origin'])
  if (!built.ok) throw new Error(built.output)
}

function python(): string {
  const own = join(examples, 'python/.venv/bin/python')
  return existsSync(own) ? own : 'python3'
}

async function preparePython(install: boolean): Promise<string | undefined> {
  // PyJWT takes a key as such since 2.10; Debian's own may be older
  const wanted =
    'import jwt, cryptography; assert tuple(map(int, jwt.__version__.split(".")[:2])) >= (2, 10)'
  if ((await run(python(), ['-c', wanted])).ok) return undefined
  if (!install)
    return 'PyJWT 2.10 with cryptography is not installed (--install makes a venv for it)'
  const folder = join(examples, 'python')
  const venv = ['-m', 'venv', '.venv']
  if (!(await run('python3', venv, { cwd: folder })).ok) {
    const hindrance = await installFromDebian('python3-venv')
    if (hindrance !== undefined) return hindrance
    const made = await run('python3', venv, { cwd: folder })
    if (!made.ok) return `no venv: ${lastLine(made.output)}`
  }
  const installed = await run(python(), ['-m', 'pip', 'install', '-q', '-r', 'requirements.txt'], {
    cwd: folder,
  })
  return installed.ok ? undefined : `pip: ${lastLine(installed.output)}`
}

async function prepareGo(install: boolean): Promise<string | undefined> {
  const cwd = join(examples, 'go')
  if (find('go') === undefined) {
    if (!install) return 'Go is not installed (--install, or apt-get install golang-go)'
    const hindrance = await installFromDebian('golang-go')
    if (hindrance !== undefined) return hindrance
  }
  const [, minor = '0'] = /go1\.(\d+)/.exec((await run('go', ['version'])).output) ?? []
  if (Number(minor) < 24) return `the example needs Go 1.24, and this is 1.${minor}`
  const env: Record<string, string> = install ? {} : { GOPROXY: 'off' }
  const downloaded = await run('go', ['mod', 'download'], { cwd, env })
  if (!downloaded.ok) return `its module is not here (--install): ${lastLine(downloaded.output)}`
  const built = await run('go', ['build', '-o', 'origin', '.'], { cwd })
  if (!built.ok) throw new Error(built.output)
  return undefined
}

async function prepareJava(install: boolean): Promise<string | undefined> {
  if (find('mvn') === undefined || find('java') === undefined) {
    if (!install) return 'Java or Maven is not installed (--install, or apt-get install maven)'
    const hindrance = await installFromDebian('default-jdk-headless', 'maven')
    if (hindrance !== undefined) return hindrance
  }
  const offline = install ? [] : ['--offline']
  const built = await run('mvn', ['-q', '-B', ...offline, 'package'], {
    cwd: join(examples, 'java'),
  })
  if (built.ok) return undefined
  if (!install && /offline/i.test(built.output)) return 'its packages are not here (--install)'
  if (/Could not transfer|UnknownHost/.test(built.output)) return 'its packages cannot be had here'
  throw new Error(built.output)
}
