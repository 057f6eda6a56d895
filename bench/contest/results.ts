/** `bench/RESULTS.md`: one run, as it was. */
import { round } from '../report.ts'
import type { Beside } from '../outside/beside.ts'
import type { Contest } from './contest.ts'
import type { Mark } from './marks.ts'
import { growthOf, type Held, type Watched } from './memory.ts'
import type { Measured, Spread } from './rounds.ts'

export function resultsPage(contest: Contest): string {
  const { machine, measured, renewals, calls, memory, startUp, signatureMicroseconds } = contest
  const { marks, beside, absent } = contest
  const connections = [...new Set(measured.map((row) => row.connections))]
  return `# Results

Written by \`npm run bench\`: one run, as it was. What is measured, and how, is in [performance](../docs/performance.md).

${machine.processor}, ${String(machine.processors)} processors, ${String(machine.gib)} GiB, ${machine.system}; ${machine.workerd}, Node ${machine.node}.
Everything ran on it: load, Workers, origin. ${String(machine.loadBefore)} processes wanted a processor when it began: with more of them than
processors the machine was busy with other things, and ratios say more than figures.

## Goals

| goal | measured | wanted | |
|---|---|---|---|
${marks.map(markRow).join('\n')}

${connections.map((count) => tableOf(count, measured)).join('\n')}
Requests per second and the ratio: the median of the rounds, with the quarter below and above. \`of limit\`: of the throughput of the
pass-through with the same upstream and the same request, in the same round. \`CPU\`: of the whole process, the origin behind a service
binding included. The load used at most ${String(Math.max(...measured.map(({ loadBusy }) => loadBusy)))} of one processor: it was not the limit.

## With the origin behind HTTP, beside each other

| variant | of nginx, passes on | of Sallyport | CPU, µs | CPU, times Sallyport |
|---|---|---|---|---|
${beside.map(besideRow).join('\n')}

At 16 connections, throughput in the same round: of nginx that only passes on the same request, and of Sallyport with the same
kind of credential. \`CPU\`: of all processes of a contender, without the origin.

## Besides

- Session renewal, 16 people at once: ${String(renewals.perSecond)}/s, p50 ${String(renewals.p50)} ms, p99 ${String(renewals.p99)} ms, ${String(renewals.cpu)} µs of processor time, the objects' own included.
- Calls of a renewal: ${countsOf(calls.renewal)}. Of 100 warm requests: session ${countsOf(calls.session)}; bearer ${countsOf(calls.bearer)}; public ${countsOf(calls.public)}.
- Memory of two new processes, MiB, by requests with as many different tokens after 10,000 to warm up: Sallyport ${heldOf(memory, 'gate')}.
  The pass-through: ${heldOf(memory, 'passThrough')}. Growth, the last three tenths times the first three: ${grownOf(memory, 'gate')} and ${grownOf(memory, 'passThrough')}.
- Bundle ${String(startUp.gzipKiB)} KiB gzip; starts ${String(startUp.milliseconds)} ms later than the pass-through.
- WebCrypto alone verifies ES256 in ${String(signatureMicroseconds)} µs.
- Not there: ${absent.length === 0 ? 'none' : absent.map(({ name, why }) => `${name} (${why})`).join('; ')}.
`
}

function heldOf(memory: readonly Held[], of: Watched): string {
  return memory.map((held) => `${String(held.requests)}: ${String(held[of])}`).join('; ')
}

function grownOf(memory: readonly Held[], of: Watched): string {
  return String(round(growthOf(memory, of), 3))
}

function markRow({ name, value, mark, met, wants }: Mark): string {
  const sign = wants === 'least' ? '≥' : '≤'
  return `| ${name} | ${String(round(value, 3))} | ${sign} ${String(mark)} | ${met ? 'met' : 'missed'} |`
}

function besideRow({ variant, ofNginx, ofSallyport, cpu, timesSallyport }: Beside): string {
  const cells = [variant, ofNginx === undefined ? '' : written(ofNginx), written(ofSallyport)]
  return `| ${[...cells, cpu, timesSallyport].map(String).join(' | ')} |`
}

function tableOf(connections: number, measured: readonly Measured[]): string {
  const rows = measured.filter((row) => row.connections === connections)
  return `## ${String(connections)} ${connections === 1 ? 'connection' : 'connections'}

| variant | requests/s | p50, ms | p99, ms | CPU, µs | of limit | CPU, times |
|---|---|---|---|---|---|---|
${rows.map(measuredRow).join('\n')}
`
}

function measuredRow({ variant, perSecond, p50, p99, cpu, ofLimit, timesCpu }: Measured): string {
  const cells = [variant, written(perSecond), p50, p99, cpu.median, written(ofLimit), timesCpu]
  return `| ${cells.map(String).join(' | ')} |`
}

function written({ median, low, high }: Spread): string {
  return `${String(median)} (${String(low)}–${String(high)})`
}

function countsOf(counts: Readonly<Record<string, number>>): string {
  const named = Object.entries(counts).map(([name, count]) => `${name} ${String(count)}`)
  return named.length === 0 ? 'none' : named.join(', ')
}
