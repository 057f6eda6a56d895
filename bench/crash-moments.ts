/**
 * Where in a refresh the Worker's process is killed, and how that point is hit from outside: by holding what is on the wire,
 * or by watching the disk. Nothing of the Worker takes part.
 */
import type { DemoWorld } from './demo-world.ts'
import { recordIn } from './session-storage.ts'
import { letPass, type Passing, type Watch } from './wire.ts'

export const moments = [
  'at random',
  'before the token call',
  'after the provider’s answer',
  'after the storage write',
  'before Set-Cookie',
] as const
export type Moment = (typeof moments)[number]

/** What was seen on the wires and on the disk until the process was dead. */
export interface Seen {
  /** The refresh token that the Worker sent. */
  token: string | undefined
  /** The provider took it, and gave another. */
  rotated: boolean
  /** The session's record is not what it was: the new token is there, since that is what a refresh writes first. */
  stored: boolean
  /** The Worker went on to the API: the renewal is over, its cookies are still to come. */
  forwarded: boolean
}

export interface Scene {
  readonly world: DemoWorld
  /** The session's database, and its record before the refresh. */
  readonly file: string
  readonly record: string | undefined
  /** Milliseconds that a refresh takes when nobody is killed. */
  readonly usual: number
  /** The person signs out while the refresh is under way, and is answered before the kill. */
  readonly signOut: (() => Promise<void>) | undefined
  readonly onToken: (token: string) => void
}

/** Whether what was seen shows that the point was hit. */
export const isHit: Readonly<Record<Moment, (seen: Seen) => boolean>> = {
  'at random': () => true,
  'before the token call': (seen) => seen.token !== undefined && !seen.rotated && !seen.stored,
  'after the provider’s answer': (seen) => seen.rotated && !seen.stored,
  'after the storage write': (seen) => seen.stored && !seen.forwarded,
  'before Set-Cookie': (seen) => seen.stored && seen.forwarded,
}

/** How far the refresh had come. */
export function stageOf({ token, rotated, stored, forwarded }: Seen): string {
  if (forwarded) return 'stored, cookies under way'
  if (stored) return 'stored'
  if (rotated) return 'provider has rotated'
  return token === undefined ? 'token not sent' : 'token under way'
}

/** Begins the refresh with the trap in place; settles when the process is dead and nothing is on its way any more. */
export async function killAt(
  moment: Moment,
  scene: Scene,
  begin: () => Promise<unknown>,
): Promise<Seen> {
  const { world, file, record, usual, signOut } = scene
  const seen: Seen = { token: undefined, rotated: false, stored: false, forwarded: false }
  let begun: Promise<unknown> = Promise.resolve()
  await new Promise<void>((resolve, reject) => {
    let isDead = false
    const kill = () => {
      if (isDead) return
      isDead = true
      world.kill()
      resolve()
    }
    const hold = async (): Promise<false> => {
      await signOut?.()
      kill()
      return false
    }
    const isStored = () => recordIn(file) !== record
    const trap = traps[moment]({ kill, hold, isStored, usual, signOut })
    world.toProvider.watch = guarded(reject, {
      onRequest: (passing) => {
        const token = refreshTokenIn(passing)
        if (token === undefined) return true
        seen.token = token
        scene.onToken(token)
        return trap.onToken === undefined || trap.onToken()
      },
      onAnswer: (passing, status) => {
        if (refreshTokenIn(passing) === undefined) return true
        seen.rotated = status === 200
        return trap.onAnswer === undefined || trap.onAnswer()
      },
    })
    world.toApi.watch = guarded(reject, {
      ...letPass,
      onRequest: () => {
        seen.forwarded ||= !isDead
        return trap.onForwarded === undefined || trap.onForwarded()
      },
    })
    // Where everybody is answered and the point was not reached, there is nothing to wait for: it was not hit.
    begun = begin().then(kill, reject)
    trap.onBegin?.()
  })
  await begun
  await Promise.all([world.toProvider.settled(), world.toApi.settled()])
  seen.stored = recordIn(file) !== record
  return seen
}

interface Tools {
  readonly kill: () => void
  /** Keeps what is on the wire, kills, and loses it. */
  readonly hold: () => Promise<false>
  readonly isStored: () => boolean
  readonly usual: number
  readonly signOut: (() => Promise<void>) | undefined
}

/** What is done at each point; `false` loses what was passing. */
interface Trap {
  readonly onBegin?: () => void
  readonly onToken?: () => Promise<boolean>
  readonly onAnswer?: () => Promise<boolean> | boolean
  readonly onForwarded?: () => Promise<boolean>
}

const traps: Readonly<Record<Moment, (tools: Tools) => Trap>> = {
  'at random': ({ kill, usual, signOut }) => {
    const later = (most: number) => void setTimeout(kill, Math.random() * most)
    if (signOut === undefined) return { onBegin: () => later(usual * 1.2) }
    // The tokens come for a session that is over by then.
    return { onAnswer: () => signOut().then(() => (later(usual), true)) }
  },
  // It has left the Worker, and never reaches the provider.
  'before the token call': ({ hold }) => ({ onToken: hold }),
  // The provider has done all it does; the Worker never hears of it.
  'after the provider’s answer': ({ hold }) => ({ onAnswer: hold }),
  'after the storage write': ({ kill, isStored }) => ({
    onAnswer: () => {
      const look = () => void (isStored() ? kill() : setImmediate(look))
      setImmediate(look)
      return true
    },
  }),
  // The API does not answer, so that neither does the Worker.
  'before Set-Cookie': ({ hold }) => ({ onForwarded: hold }),
}

export function refreshTokenIn({ path, form }: Passing): string | undefined {
  return path === '/token' ? (form.get('refresh_token') ?? undefined) : undefined
}

/** What goes wrong in a trap is the measurement's failure, and none of the Worker's. */
function guarded(fail: (error: unknown) => void, watch: Watch): Watch {
  const guard = async (work: () => boolean | Promise<boolean>) => {
    try {
      return await work()
    } catch (error) {
      fail(error)
      return false
    }
  }
  return {
    onRequest: (passing) => guard(() => watch.onRequest(passing)),
    onAnswer: (passing, status) => guard(() => watch.onAnswer(passing, status)),
  }
}
