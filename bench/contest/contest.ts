/** The whole contest and its short form: what runs, in which order, and what is printed on the way. */
import { startLoadProcess } from '../load-process.ts'
import { type Beside, besideEachOther } from '../outside/beside.ts'
import type { OutsideContender } from '../outside/contender.ts'
import { haproxy, modAuthOpenidc, nginx } from '../outside/debian.ts'
import { oauth2Proxy } from '../outside/oauth2-proxy.ts'
import { printTable, round } from '../report.ts'
import { type Calls, countCalls, sumOf } from './calls.ts'
import { describeMachine, type Machine } from './machine.ts'
import {
  atLeast,
  atMost,
  everydayMarks,
  type Mark,
  otherMarks,
  requestMicroseconds,
} from './marks.ts'
import { type Held, marksOfMemory, measureMemory } from './memory.ts'
import { measureRenewals, type Renewals } from './renewal.ts'
import { type Measured, runRounds, summary } from './rounds.ts'
import { verifyMicroseconds } from './signature.ts'
import { measureStartUp, type StartUp } from './start-up.ts'
import { besides, everyday, outside, type Variant } from './variants.ts'
import { type Gate, World } from './world.ts'

export interface Contest {
  readonly machine: Machine
  readonly measured: readonly Measured[]
  readonly renewals: Renewals
  readonly calls: Calls
  readonly memory: readonly Held[]
  readonly startUp: StartUp
  /** Of one ES256 verification by WebCrypto alone. */
  readonly signatureMicroseconds: number
  readonly marks: readonly Mark[]
  /** Everybody with the origin behind HTTP, at the usual connections. */
  readonly beside: readonly Beside[]
  /** Contenders outside workerd that did not take part. */
  readonly absent: readonly Absent[]
}

/** Not among the project's packages: they take part where the machine has them. */
const outsiders: readonly OutsideContender[] = [nginx, haproxy, modAuthOpenidc, oauth2Proxy]

export interface Asked {
  /** Those outside workerd, too. */
  readonly outside: boolean
  readonly install: boolean
  readonly memoryRequests: number
}

interface Absent {
  readonly name: string
  readonly why: string
}

/** The connections at which ratios are judged. */
const usual = 16

export async function runSmoke(): Promise<{ readonly marks: readonly Mark[] }> {
  const world = await World.open(1)
  const generator = startLoadProcess()
  try {
    const variants = await everyday(world)
    const slices = await runRounds(generator, variants, {
      connections: usual,
      rounds: 7,
      seconds: 0.4,
    })
    printMeasured(summary(variants, slices, usual))
    const marks = everydayMarks(slices)
    printMarks(marks)
    return { marks }
  } finally {
    generator.close()
    await world.close()
  }
}

/** `memoryRequests`: how many the memory is watched over. */
export async function runContest({
  outside: asked,
  install,
  memoryRequests,
}: Asked): Promise<Contest> {
  const { present, absent } = await prepareOutsiders(asked, install)
  const machine = describeMachine()
  // One gate for everyday use, one with few routes, one with many, one with marks, one over HTTP, one that is watched, one for its memory.
  const world = await World.open(7 + present.length)
  const generator = startLoadProcess()
  try {
    const first = await everyday(world)
    const variants = [
      ...first,
      ...(await besides(world, first)),
      ...(await outside(world, present)),
    ]
    const gate = gateOf(first)
    const slices = await runRounds(generator, variants, {
      connections: usual,
      rounds: 9,
      seconds: 1,
    })
    const measured = [...summary(variants, slices, usual)]
    printMeasured(measured)
    const beside = besideEachOther(variants, slices)
    printBeside(beside)
    for (const connections of [1, 64]) {
      const few = await runRounds(generator, variants, { connections, rounds: 3, seconds: 0.3 })
      const rows = summary(variants, few, connections)
      printMeasured(rows)
      measured.push(...rows)
    }
    const renewals = await measureRenewals(gate, 5)
    const calls = await countCalls(world)
    const memory = await measureMemory(generator, world, memoryRequests)
    const startUp = await measureStartUp(world.gateScript, 9)
    const signatureMicroseconds = await verifyMicroseconds(world.issuer.signer)
    const limit = requestMicroseconds(slices, 'pass-through, bearer') + signatureMicroseconds
    const marks = [
      ...everydayMarks(slices),
      atMost(
        'bearer ES256, never seen: time of a request, times pass-through and one verification by WebCrypto',
        requestMicroseconds(slices, 'bearer ES256, never seen') / limit,
        1.1,
      ),
      ...otherMarks(slices),
      ...marksOfCalls(calls),
      ...marksOfMemory(memory, memoryRequests),
      atMost('bundle: KiB, gzip', startUp.gzipKiB, 120),
      atMost('start-up: ms beyond the pass-through', startUp.milliseconds, 50),
    ]
    printTable([{ renewals: 'session renewal', ...renewals }])
    printMarks(marks)
    const besidesRequests = { renewals, calls, memory, startUp, signatureMicroseconds }
    return { machine, measured, ...besidesRequests, marks, beside, absent }
  } finally {
    generator.close()
    await world.close()
  }
}

async function prepareOutsiders(asked: boolean, install: boolean) {
  const present: OutsideContender[] = []
  const absent: Absent[] = []
  for (const one of outsiders) {
    const why = asked ? await one.prepare(install) : 'not asked for (--outside)'
    if (why === undefined) present.push(one)
    else absent.push({ name: one.name, why })
  }
  if (absent.length > 0) {
    const each = absent.map(({ name, why }) => `${name}: ${why}`).join('; ')
    console.log(`Not in it: ${each}.${asked && !install ? ' --install has it installed.' : ''}`)
  }
  return { present, absent }
}

function gateOf(variants: readonly Variant[]): Gate {
  const found = variants.find(({ name }) => name === 'session')
  if (found === undefined) throw new Error('nobody has a session')
  return found.contender as Gate
}

function marksOfCalls({ session, bearer, public: open, renewal }: Calls): readonly Mark[] {
  const warm = sumOf(session) + sumOf(bearer) + sumOf(open)
  return [
    atMost('300 warm requests: calls of objects and uses of KV', warm, 0),
    atMost('a renewal: calls of objects and uses of KV', sumOf(renewal), 1),
    atLeast("a renewal: calls of the session's object", renewal['SESSION_OBJECTS'] ?? 0, 1),
  ]
}

function printMeasured(rows: readonly Measured[]): void {
  console.log(`\n${String(rows[0]?.connections)} connections`)
  printTable(
    rows.map(({ variant, perSecond, p50, p99, cpu, ofLimit, timesCpu, loadBusy }) => ({
      variant,
      'requests/s': perSecond.median,
      'from .. to': `${String(perSecond.low)} .. ${String(perSecond.high)}`,
      'p50 ms': p50,
      'p99 ms': p99,
      'CPU µs': cpu.median,
      'of limit': ofLimit.median,
      spread: `${String(ofLimit.low)} .. ${String(ofLimit.high)}`,
      'CPU, times': timesCpu,
      'load busy': loadBusy,
    })),
  )
}

function printBeside(rows: readonly Beside[]): void {
  console.log('')
  printTable(
    rows.map(({ variant, ofNginx, ofSallyport, cpu, timesSallyport }) => ({
      variant,
      'of nginx': ofNginx?.median ?? '',
      'of Sallyport': ofSallyport.median,
      spread: `${String(ofSallyport.low)} .. ${String(ofSallyport.high)}`,
      'CPU µs': cpu,
      'CPU, times Sallyport': timesSallyport,
    })),
  )
}

function printMarks(marks: readonly Mark[]): void {
  console.log('')
  printTable(
    marks.map(({ name, value, mark, met, wants }) => ({
      goal: name,
      measured: round(value, 3),
      wanted: `${wants === 'least' ? '≥' : '≤'} ${String(mark)}`,
      '': met ? 'met' : 'missed',
    })),
  )
}
