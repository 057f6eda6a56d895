/**
 * The Worker: its services are made once an isolate; `app.ts` answers.
 */
import { answer } from './app.ts'
import { Fault } from './fault.ts'
import { refuseFault } from './http/refuse.ts'
import { secondsNow } from './platform/clock.ts'
import type { Environment } from './platform/environment.ts'
import { servicesOf } from './platform/services.ts'

export { DenylistObject } from './platform/denylist-object.ts'
export { DeviceObject } from './platform/device-object.ts'
export { IssuerObject } from './platform/issuer-object.ts'
export { KeyObject } from './platform/key-object.ts'
export { SessionObject } from './platform/session-object.ts'

export default {
  async fetch(request, env) {
    try {
      return await answer(request, await servicesOf(env), secondsNow())
    } catch (error) {
      // Only a configuration that cannot be used comes here; its problems are in the log.
      return refuseFault(
        request,
        error instanceof Fault ? error : new Fault('internal', 'start', { cause: error }),
      )
    }
  },

  /** Keeps the copies of documents fresh, so that an isolate that starts finds them near. */
  async scheduled(_, env) {
    const { config, directory, log } = await servicesOf(env)
    // Pinned keys are at hand already; what is asked at a configured endpoint needs no documents.
    const published = config.issuers.filter(
      ({ pinnedKeys, algorithms }) => pinnedKeys === undefined && algorithms.length > 0,
    )
    const failed = await directory.warm([...config.providers, ...published])
    for (const publisher of failed) log('warn', 'documents.not_warmed', { publisher })
  },
} satisfies ExportedHandler<Environment>
