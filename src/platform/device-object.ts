/**
 * One object per person and site: the list of their devices. Told of sessions by those who make, renew and end them;
 * nobody waits for it but who looks at the list.
 */
import { DurableObject } from 'cloudflare:workers'
import type { Device } from '../session/devices.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import { secondsNow } from './clock.ts'
import type { Environment } from './environment.ts'

export class DeviceObject extends DurableObject<Environment> {
  /** Adds; gives the sessions that are more than `most`, the oldest first. */
  async add(device: Device, most: number | undefined): Promise<readonly SessionId[]> {
    const devices = [device, ...this.#living().filter(isOther(device.sessionId))]
    await this.#keep(devices)
    return devices
      .slice(most ?? devices.length)
      .map(({ sessionId }) => sessionId)
      .toReversed()
  }

  async touch(sessionId: SessionId, seenAt: number, endsAt: number): Promise<void> {
    const devices = this.#living()
    if (!devices.some((device) => device.sessionId === sessionId)) return
    await this.#keep(
      devices.map((device) =>
        device.sessionId === sessionId ? { ...device, seenAt, endsAt } : device,
      ),
    )
  }

  async remove(sessionId: SessionId): Promise<void> {
    await this.#keep(this.#living().filter(isOther(sessionId)))
  }

  async list(): Promise<readonly Device[]> {
    return this.#living()
  }

  /** Nothing is left of somebody who has no session. */
  override async alarm(): Promise<void> {
    await this.#keep(this.#living())
  }

  #living(): readonly Device[] {
    const now = secondsNow()
    const kept = this.ctx.storage.kv.get<readonly Device[]>('devices') ?? []
    return kept.filter(({ endsAt }) => now < endsAt)
  }

  async #keep(devices: readonly Device[]): Promise<void> {
    if (devices.length === 0) {
      await this.ctx.storage.deleteAll()
      return
    }
    // More than anybody has: a list, not a history.
    this.ctx.storage.kv.put('devices', devices.slice(0, 100))
    await this.ctx.storage.setAlarm(Math.max(...devices.map(({ endsAt }) => endsAt)) * 1000)
  }
}

function isOther(sessionId: SessionId) {
  return (device: Device): boolean => device.sessionId !== sessionId
}
