/**
 * An exchange with an origin in which something has to move: its bodies pass through our hands, and where nothing comes
 * for too long, both are broken off.
 *
 * The limit runs while we wait for the origin, and while we wait for the client to go on with its upload. It stands
 * still while a client takes what has come: a slow reader does not make its own download idle.
 */
import { statedLength } from '../http/length.ts'
import type { BodyEncoding } from '../http/upstreams.ts'

/** Bytes that are read at once, at most. */
const pieceSize = 64 * 1024

/** Nothing moved, or the client broke its upload off. */
export type Cut = 'idle' | 'upload_broken'

interface Watching {
  readonly onTaking?: (isTaking: boolean) => void
  readonly onBroken?: () => void
  readonly onOver?: () => void
}

export class IdleLimit {
  readonly #milliseconds: number
  readonly #cut: (why: Cut) => void
  #timer: ReturnType<typeof setTimeout> | undefined
  /** Milliseconds since the epoch. */
  #movedAt = 0
  #hasEnded = false
  /** Bodies on their way: how each is broken off. */
  readonly #passing = new Set<() => void>()
  /** The client has not taken what came last. */
  #isTaking = false

  /** `cut` ends the connection to the origin, not the body on it: a body that is ended looks whole. attack: cut-looks-whole */
  constructor(seconds: number, cut: (why: Cut) => void) {
    this.#milliseconds = seconds * 1000
    this.#cut = cut
  }

  /** The body on its way to the origin, as long as `headers` say. */
  upload(body: ReadableStream, headers: Headers): ReadableStream {
    const { readable, writable } = pipeOf(statedLength(headers))
    void this.#pass(body, writable, { onBroken: () => this.#cut('upload_broken') })
    return readable
  }

  /** The answer, its body watched. `encoding` is what it was asked for with. */
  answer(response: Response, encoding: BodyEncoding): Response {
    const { body, headers } = response
    if (body === null) return response
    const isUnpacked = encoding === 'automatic' && headers.has('content-encoding')
    const { readable, writable } = pipeOf(isUnpacked ? undefined : statedLength(headers))
    const onTaking = (isTaking: boolean) => (this.#isTaking = isTaking)
    // Once it is answered, what is left of the upload concerns nobody.
    const onOver = () => this.#passing.clear()
    void this.#pass(body, writable, { onTaking, onOver })
    return new Response(readable, response)
  }

  /** Never rejects. What breaks on one side breaks on the other. */
  async #pass(
    body: ReadableStream<unknown>,
    writable: WritableStream,
    { onTaking, onBroken, onOver }: Watching,
  ): Promise<void> {
    // Into the same bytes over and over: a piece for each is much slower, and the isolate fills with them.
    const reader = body.getReader({ mode: 'byob' })
    let buffer = new ArrayBuffer(pieceSize)
    const writer = writable.getWriter()
    const breakOff = async (why: unknown) => {
      await Promise.allSettled([writer.abort(why), reader.cancel(why)])
    }
    const breakIdle = () => void breakOff(new Error('nothing moved'))
    // Nobody takes it any more: the other side learns it now, not with its next chunk.
    writer.closed.catch((error: unknown) => reader.cancel(error)).catch(() => undefined)
    this.#passing.add(breakIdle)
    this.#moved()
    try {
      for (;;) {
        const { done, value } = await reader
          .read(new Uint8Array(buffer))
          .catch((error: unknown) => {
            onBroken?.()
            throw error
          })
        // attack: cut-looks-whole
        if (this.#hasEnded) throw new Error('nothing moved')
        if (done) break
        onTaking?.(true)
        this.#moved()
        await writer.write(value)
        buffer = value.buffer
        onTaking?.(false)
        this.#moved()
      }
      onTaking?.(true)
      this.#moved()
      await writer.close()
    } catch (error) {
      void breakOff(error)
    } finally {
      onTaking?.(false)
      this.#passing.delete(breakIdle)
      onOver?.()
      this.#moved()
    }
  }

  /** Costs each piece no timer of its own: the one that runs looks, when its time has come, how much is left. */
  #moved(): void {
    this.#movedAt = Date.now()
    if (this.#passing.size === 0) {
      clearTimeout(this.#timer)
      this.#timer = undefined
    } else if (this.#timer === undefined && !this.#hasEnded) this.#wait(this.#milliseconds)
  }

  #wait(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const left = this.#movedAt + this.#milliseconds - Date.now()
      if (this.#isTaking) this.#wait(this.#milliseconds)
      else if (left > 0) this.#wait(left)
      else this.#breakOff()
    }, milliseconds)
  }

  #breakOff(): void {
    this.#hasEnded = true
    this.#timer = undefined
    this.#cut('idle')
    for (const breakIdle of this.#passing) breakIdle()
  }
}

/** Keeps no chunk: each is written when it has been taken. One that knows its length says so, and breaks where it is not kept. */
function pipeOf(length: number | undefined): TransformStream {
  return length === undefined ? new IdentityTransformStream() : new FixedLengthStream(length)
}
