/**
 * Requests at a steady rate, whether or not the answers keep up; each answer is kept with its times.
 */
import { Agent, request } from 'node:http'

export interface Gate {
  /** Sends one request beside the load. */
  readonly send: (path: string, headers: Headers, body?: string) => Promise<Reply>
  /** Ends the load; gives every answer to it. */
  stop(): Promise<readonly Reply[]>
}

type Headers = Readonly<Record<string, string>>

/** Times in milliseconds, as `performance.now()`. */
export interface Reply {
  readonly sentAt: number
  readonly doneAt: number
  /** 0 where there was no answer. */
  readonly status: number
  /** Its JSON; empty where it has none. */
  readonly body: Readonly<Record<string, unknown>>
}

/** More than these under way, and a request is left out: the machine cannot keep up. */
const most = 64
const tick = 10

/** Begins at once, with each of `asked` in turn. */
export function steadyLoad(
  at: { readonly port: number; readonly host: string },
  path: string,
  asked: readonly Headers[],
  rate: number,
): Gate {
  const agent = new Agent({ keepAlive: true })
  const replies: Reply[] = []
  const underWay = new Set<Promise<void>>()
  const send = (to: string, headers: Headers, body?: string) =>
    exchange(agent, at, to, headers, body)
  const startedAt = performance.now()
  let sent = 0
  const timer = setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) / 1000) * rate)
    for (; sent < due; sent++) {
      if (underWay.size >= most) continue
      const one = send(path, asked[sent % asked.length] ?? {})
        .then((reply) => void replies.push(reply))
        .finally(() => void underWay.delete(one))
      underWay.add(one)
    }
  }, tick)
  return {
    send,
    async stop() {
      clearInterval(timer)
      await Promise.all(underWay)
      agent.destroy()
      return replies
    },
  }
}

function exchange(
  agent: Agent,
  at: { readonly port: number; readonly host: string },
  path: string,
  headers: Headers,
  body: string | undefined,
): Promise<Reply> {
  const { port, host } = at
  const sentAt = performance.now()
  return new Promise((resolve) => {
    const end = (status: number, text: string) =>
      resolve({ sentAt, doneAt: performance.now(), status, body: readJson(text) })
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    const asked = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path,
        method: body === undefined ? 'GET' : 'POST',
        headers: { host, ...headers, ...length },
      },
      (response) => {
        let text = ''
        response.setEncoding('utf8')
        response.on('data', (chunk: string) => (text += chunk))
        response.on('end', () => end(response.statusCode ?? 0, text))
        response.on('error', () => end(0, ''))
      },
    )
    // A connection that was left open may have been closed meanwhile: nothing was sent over it.
    asked.on('error', () =>
      asked.reusedSocket ? resolve(exchange(agent, at, path, headers, body)) : end(0, ''),
    )
    asked.end(body)
  })
}

function readJson(text: string): Reply['body'] {
  try {
    return JSON.parse(text) as Reply['body']
  } catch {
    return {}
  }
}
