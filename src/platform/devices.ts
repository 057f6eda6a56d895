/**
 * `Devices` over RPC, and the news of sessions for the lists. Objects are named by site and a hash of who it is.
 */
import { sha256 } from '../digest.ts'
import { Fault } from '../fault.ts'
import type { Devices, Owner } from '../session/devices.ts'
import type { DeviceObject } from './device-object.ts'
import type { Environment } from './environment.ts'
import { within } from './within.ts'

/** Milliseconds. */
const patience = 2000

/** Of the object. No site's id holds a slash, and nothing runs together in JSON. */
export async function deviceListName(siteId: string, { issuer, subject }: Owner): Promise<string> {
  return `${siteId}/${await sha256(JSON.stringify([issuer, subject]))}`
}

/**
 * Calls the list of one person at one site. The stub belongs to the request that makes it, and never passes through a
 * promise: it would be asked whether it is one.
 */
export async function askDeviceList<T>(
  env: Environment,
  siteId: string,
  owner: Owner,
  ask: (list: DurableObjectStub<DeviceObject>) => Promise<T>,
): Promise<T> {
  const name = await deviceListName(siteId, owner)
  return ask((env.DEVICE_OBJECTS as DurableObjectNamespace<DeviceObject>).getByName(name))
}

export function devicesOf(env: Environment): Devices {
  const ask = async <T>(call: () => Promise<T>): Promise<T> => {
    try {
      return await within(patience, call())
    } catch (cause) {
      throw new Fault('storage_failed', 'the list of devices does not answer', { cause })
    }
  }
  return {
    add: (site, owner, device, most) =>
      ask(() => askDeviceList(env, site.id, owner, (devices) => devices.add(device, most))),
    list: (site, owner) =>
      ask(() => askDeviceList(env, site.id, owner, (devices) => devices.list())),
  }
}
