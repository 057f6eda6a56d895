/**
 * Everything that the Worker can reach in a test: providers, issuers, and an origin that keeps what it received.
 */
import { FakeIssuer } from './fake-issuer.ts'
import { FakeProvider } from './fake-provider.ts'
import { ProofChecker } from './proof-checker.ts'

export interface Received {
  readonly url: string
  readonly method: string
  readonly headers: Headers
  readonly body: string
}

/** The outside of one test: three providers, three issuers, one origin. */
export class Outside {
  readonly main = new FakeProvider('https://id.test', 'shop')
  readonly posting = new FakeProvider('https://post.id.test', 'admin')
  readonly binding = new FakeProvider('https://dpop.id.test', 'proven', new ProofChecker())
  readonly as = new FakeIssuer('https://as.test')
  readonly partner = new FakeIssuer('https://partner.test')
  readonly opaque = new FakeIssuer('https://opaque.test')
  readonly received: Received[] = []
  /** Others, by their host. */
  readonly others = new Map<string, (request: Request) => Promise<Response>>()
  /** What the origin answers. */
  origin: (request: Request) => Response | Promise<Response> = () => Response.json({ ok: true })

  get last(): Received {
    const last = this.received.at(-1)
    if (last === undefined) throw new Error('the origin received nothing')
    return last
  }

  async answer(request: Request): Promise<Response> {
    const { host } = new URL(request.url)
    if (host === 'id.test') return this.main.answer(request)
    if (host === 'post.id.test') return this.posting.answer(request)
    if (host === 'dpop.id.test') return this.binding.answer(request)
    const issuer = [this.as, this.partner, this.opaque].find((one) => one.host === host)
    if (issuer !== undefined) return issuer.answer(request)
    const other = this.others.get(host)
    if (other !== undefined) return other(request)
    if (host !== 'api.test') throw new TypeError(`nothing listens at ${host}`)
    const copy = request.clone()
    this.received.push({
      url: request.url,
      method: request.method,
      headers: request.headers,
      body: await request.text(),
    })
    return this.origin(copy)
  }
}
