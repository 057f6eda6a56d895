import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

import { afterAll, beforeEach, expect, it } from 'vitest'

import { load, requestOf } from '../../../bench/load.ts'

let asked: string[] = []
const server = createServer((request, response) => {
  asked.push(request.url ?? '')
  response.setHeader('content-length', 2).end('ok')
})
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
const { port } = server.address() as AddressInfo
const turn = { port, requests: ['/a', '/b', '/c'].map((path) => requestOf(path)), connections: 1 }

beforeEach(() => {
  asked = []
})
afterAll(() => void server.close())

it('sends the requests in turn, as often as asked', async () => {
  const { statuses, latencies } = await load({ ...turn, most: 4 })
  expect(asked).toEqual(['/a', '/b', '/c', '/a'])
  expect([statuses, latencies.length]).toEqual([{ '200': 4 }, 4])
})

it('goes on in the turn where an earlier load ended', async () => {
  await load({ ...turn, most: 2 })
  await load({ ...turn, most: 2, already: 2 })
  expect(asked).toEqual(['/a', '/b', '/c', '/a'])
})
