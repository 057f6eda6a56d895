/**
 * One at a time, in order of arrival. For Durable Objects only: there, awaiting another call's promise is
 * safe, and methods interleave at every await unless something like this keeps them apart.
 */
export class Mutex {
  #tail: Promise<unknown> = Promise.resolve()

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work)
    this.#tail = result.then(
      () => undefined,
      () => undefined,
    )
    return result
  }
}
