/**
 * `Sessions` over RPC. Objects are named by site and session id: the same id under another site is another
 * object, which is empty.
 */
import type { Site } from '../config/config.ts'
import type { Identity } from '../session/session.ts'
import type { SessionId } from '../session/refresh-cookie.ts'
import type { Sessions } from '../session/sessions.ts'
import { unwrap } from './answered.ts'
import type { Environment } from './environment.ts'
import type { SessionObject } from './session-object.ts'

/** Of the object. No site's id holds a slash. attack: sites-run-together */
export function sessionObjectName(siteId: string, id: string): string {
  return `${siteId}/${id}`
}

export function sessionsOf(env: Environment): Sessions {
  // A stub belongs to the request that made it, so each call makes its own.
  const object = (site: Site, id: SessionId): DurableObjectStub<SessionObject> =>
    (env.SESSION_OBJECTS as DurableObjectNamespace<SessionObject>).getByName(
      sessionObjectName(site.id, id),
    )
  return {
    create: (site, id, signedIn, userinfo, place) =>
      unwrap(object(site, id).create(site.id, id, signedIn, userinfo, place)),
    renew: (site, cookie, place) =>
      unwrap(object(site, cookie.sessionId).renew(site.id, cookie, place)),
    renewBound: (site, id, proof, place) =>
      unwrap(object(site, id).renewBound(site.id, proof, place)),
    bind: (site, id, key) => unwrap(object(site, id).bind(site.id, key)),
    peek: (site, cookie) => unwrap(object(site, cookie.sessionId).peek(site.id, cookie)),
    identity: (site, id): Promise<Identity | undefined> =>
      unwrap(object(site, id).identity(site.id)),
    token: (site, id, target) => unwrap(object(site, id).token(site.id, target)),
    end: (site, authority, revoke) => {
      const id = authority.kind === 'access' ? authority.sessionId : authority.cookie.sessionId
      return unwrap(object(site, id).end(site.id, authority, revoke))
    },
  }
}
