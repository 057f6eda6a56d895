/**
 * An upload of any size: counted and hashed as its bytes arrive, and never held.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

import type { Caller } from './caller.ts'

/** Rejects where the sender goes away before the end. */
export async function receiveUpload(
  request: IncomingMessage,
  response: ServerResponse,
  { name }: Caller,
): Promise<void> {
  if (request.method !== 'POST') return void response.writeHead(405, { allow: 'POST' }).end()
  const hash = createHash('sha256')
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    hash.update(chunk)
  }
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify({ by: name, bytes, sha256: hash.digest('hex') }))
}
