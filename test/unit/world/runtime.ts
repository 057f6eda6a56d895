/** Stands in for `cloudflare:workers`, so that the objects of `src/platform` run in Node. */
export class DurableObject {
  readonly ctx: unknown
  readonly env: unknown

  constructor(ctx: unknown, env: unknown) {
    this.ctx = ctx
    this.env = env
  }
}

const pending: Promise<unknown>[] = []

export function waitUntil(work: Promise<unknown>): void {
  pending.push(work)
}

/** Waits for everything that was left running behind an answer. */
export async function settled(): Promise<void> {
  await Promise.all(pending.splice(0))
}
