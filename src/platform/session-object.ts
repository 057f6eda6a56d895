/**
 * One object per session: its single writer. Everything runs one after another, so that twenty tabs cost the
 * provider one refresh: who waits finds the result of who came first. See `session/sessions.ts` for what is
 * promised, `docs/storage.md` for what is kept.
 */
import { DurableObject } from 'cloudflare:workers'
import { decodeBase64url } from '../base64url.ts'
import type { Site } from '../config/config.ts'
import type { TokenTarget } from '../config/route.ts'
import { accept, type Denial, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { providerOf } from '../oidc/client.ts'
import type { Refreshed, SignedIn } from '../oidc/tokens.ts'
import {
  formatRefreshCookie,
  isAuthentic,
  type RefreshCookie,
  type SessionId,
} from '../session/refresh-cookie.ts'
import { ends, forever, markOn } from '../revocation/mark.ts'
import { namesOfLogin, namesOfSession } from '../revocation/names.ts'
import type { OriginToken } from '../oidc/token-for.ts'
import { answerChallenge } from '../session/device-challenge.ts'
import { lagOf } from '../session/devices.ts'
import { moveOf, type Place } from '../session/place.ts'
import { lastHandedOut, present, startRotation } from '../session/rotation.ts'
import {
  accessTokenOf,
  endOf,
  type Identity,
  refreshBy,
  type SessionRecord,
  startSession,
  withBinding,
  withRefreshed,
} from '../session/session.ts'
import type { EndAuthority, Ended, Handout } from '../session/sessions.ts'
import type { DeviceKey } from '../token/device-proof.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'
import type { DeviceObject } from './device-object.ts'
import { askDeviceList } from './devices.ts'
import { Mutex } from './mutex.ts'
import { randomText } from './random.ts'
import { sealOf } from './seal-keys.ts'
import { SessionProvider } from './session-provider.ts'
import { SessionStorage } from './session-storage.ts'
import { askAuthority, tellAuthority } from './denylist-authority.ts'

/** By what a session is to be renewed. */
type Renewer =
  | { readonly kind: 'cookie'; readonly cookie: RefreshCookie }
  | { readonly kind: 'device'; readonly proof: string }

export class SessionObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()
  readonly #storage = new SessionStorage(this.ctx.storage, this.env)
  readonly #provider = new SessionProvider(this.ctx, this.env)

  create(
    siteId: string,
    sessionId: SessionId,
    signedIn: SignedIn,
    userinfo: Readonly<Record<string, unknown>>,
    place?: Place,
  ): Promise<Answered<Result<Handout>>> {
    return this.#alone(async () => {
      const site = this.#site(siteId)
      const now = secondsNow()
      const names = namesOfLogin(site.id, providerOf(site).clientId, loginOf(signedIn))
      const befores = await askAuthority(this.env, names)
      // Who is shut out for good is not signed in; any other mark the new session is dated behind.
      if (befores.includes(forever)) return deny({ reason: 'session_revoked' })
      const issuedAt = Math.max(now, ...befores)
      const record = startSession(
        sessionId,
        signedIn,
        userinfo,
        randomText(32),
        startRotation(),
        issuedAt,
        now,
        place,
      )
      await this.#storage.store(site, record)
      return accept(await handout(site, record, 0))
    })
  }

  renew(siteId: string, cookie: RefreshCookie, place?: Place): Promise<Answered<Result<Handout>>> {
    return this.#renew(siteId, { kind: 'cookie', cookie }, place)
  }

  renewBound(siteId: string, proof: string, place?: Place): Promise<Answered<Result<Handout>>> {
    return this.#renew(siteId, { kind: 'device', proof }, place)
  }

  bind(siteId: string, key: DeviceKey): Promise<Answered<Result<Handout>>> {
    return this.#alone(async () => {
      const site = this.#site(siteId)
      const found = await this.#live(site)
      if (!found.ok) return found
      // Once: whoever comes second is not the browser that signed in. attack: device-key-of-another
      if (found.value.binding !== undefined)
        return deny({ reason: 'device_proof_refused', check: 'bound' })
      const record = withBinding(found.value, key, secondsNow())
      await this.#storage.store(site, record)
      return accept(await handout(site, record, lastHandedOut(record.rotation)))
    })
  }

  #renew(siteId: string, by: Renewer, place?: Place): Promise<Answered<Result<Handout>>> {
    return answered(async () => {
      const site = this.#site(siteId)
      const found = await this.#mutex.run(() => this.#renewable(site, by, place))
      if (!found.ok) return found
      // Not alone: whoever comes meanwhile waits for the same refresh, and signing out waits for none.
      const refreshed = await this.#refreshAtProvider(site, found.value)
      if (!refreshed.ok) return refreshed
      return this.#mutex.run(() => this.#handOut(site, by, place))
    })
  }

  /** The record that may be renewed; a copy of a superseded cookie, a mark, or another place ends the session. */
  async #renewable(site: Site, by: Renewer, place?: Place): Promise<Result<SessionRecord>> {
    const found =
      by.kind === 'cookie'
        ? await this.#byCookie(site, by.cookie)
        : await this.#byDevice(site, by.proof)
    if (!found.ok) return found
    const move = moveOf(site, found.value.identity.place, place)
    if (move !== undefined) {
      const what = move.what.join(' ')
      const { sessionId: session } = found.value.identity
      consoleLog('warn', 'session.moved', { site: site.id, session, what, does: move.does })
      if (move.does === 'end') await this.#drop(site, found.value, true, 'session_moved')
      if (move.does !== 'note') return deny({ reason: 'session_moved', what: move.what })
    }
    if (!(await this.#isRevoked(site, found.value))) return found
    await this.#drop(site, found.value, true, 'revoked')
    return deny({ reason: 'session_revoked' })
  }

  async #byCookie(site: Site, cookie: RefreshCookie): Promise<Result<SessionRecord>> {
    const found = await this.#unbound(site, cookie)
    if (!found.ok) return found
    const presented = present(found.value.rotation, cookie.number, secondsNow(), site.session.grace)
    if (presented.kind !== 'reused') return found
    consoleLog('warn', 'session.refresh_cookie_reused', {
      site: site.id,
      session: cookie.sessionId,
    })
    await this.#drop(site, found.value, true, 'refresh_cookie_reused')
    return deny({ reason: 'refresh_cookie_reused' })
  }

  /** A proof is good once: its challenge is struck off before anything else is done. */
  async #byDevice(site: Site, proof: string): Promise<Result<SessionRecord>> {
    const found = await this.#live(site)
    if (!found.ok) return found
    const seal = await sealOf(this.env)
    const proven = await answerChallenge(seal, site, found.value, proof, secondsNow())
    if (proven.ok) await this.#storage.store(site, proven.value)
    return proven
  }

  /** Hands out the next cookies: on the record as it is now, whatever happened since it was looked at. */
  async #handOut(site: Site, by: Renewer, place?: Place): Promise<Result<Handout>> {
    const found =
      by.kind === 'cookie' ? await this.#unbound(site, by.cookie) : await this.#live(site)
    if (!found.ok) return found
    const { rotation: before, identity } = found.value
    const now = secondsNow()
    // The cookie of a bound session renews nothing: it need not change.
    let [rotation, number] = [before, lastHandedOut(before)]
    if (by.kind === 'cookie') {
      const presented = present(before, by.cookie.number, now, site.session.grace)
      if (presented.kind === 'reused') return deny({ reason: 'refresh_cookie_reused' })
      ;({ rotation, handOut: number } = presented)
    }
    const isListed = now < (found.value.listedAt ?? identity.createdAt) + lagOf(site)
    const record = {
      ...found.value,
      identity: { ...identity, place: place ?? identity.place },
      rotation,
      renewedAt: now,
      ...(isListed ? {} : { listedAt: now }),
    }
    await this.#storage.store(site, record)
    const until = refreshBy(record, site) + lagOf(site)
    if (!isListed) this.#tellDevices(site, record, (devices, id) => devices.touch(id, now, until))
    return accept(await handout(site, record, number))
  }

  /** Nobody waits for the list, and nothing depends on it. */
  #tellDevices(
    site: Site,
    { identity }: SessionRecord,
    tell: (devices: DurableObjectStub<DeviceObject>, id: SessionId) => Promise<void>,
  ): void {
    this.ctx.waitUntil(
      askDeviceList(this.env, site.id, identity, (devices) =>
        tell(devices, identity.sessionId),
      ).catch(() =>
        consoleLog('warn', 'devices.not_kept', { site: site.id, session: identity.sessionId }),
      ),
    )
  }

  peek(
    siteId: string,
    cookie: RefreshCookie,
  ): Promise<Answered<Result<Omit<Handout, 'refreshCookie'>>>> {
    return this.#alone(async () => {
      const site = this.#site(siteId)
      const found = await this.#unbound(site, cookie)
      if (!found.ok) return found
      const presented = present(
        found.value.rotation,
        cookie.number,
        secondsNow(),
        site.session.grace,
      )
      // Looking is no use: it neither rotates nor ends anything. A reused cookie shows nothing all the same.
      if (presented.kind === 'reused') return deny({ reason: 'refresh_cookie_reused' })
      return accept({ identity: found.value.identity, refreshBy: refreshBy(found.value, site) })
    })
  }

  identity(siteId: string): Promise<Answered<Identity | undefined>> {
    return this.#alone(async () => {
      const site = this.#site(siteId)
      const record = await this.#storage.load(site)
      return record === undefined || endOf(record, site, secondsNow()) !== undefined
        ? undefined
        : record.identity
    })
  }

  token(siteId: string, target?: TokenTarget): Promise<Answered<Result<OriginToken>>> {
    return answered(async () => {
      const site = this.#site(siteId)
      const found = await this.#mutex.run(() => this.#live(site))
      if (!found.ok) return found
      const refreshed = await this.#refreshAtProvider(site, found.value)
      if (!refreshed.ok) return refreshed
      const live = await this.#mutex.run(() => this.#live(site))
      if (!live.ok) return live
      const token = accessTokenOf(live.value, secondsNow())
      if (token === undefined) return deny({ reason: 'provider_token_over' })
      return target === undefined ? accept(token) : this.#provider.exchange(site, token, target)
    })
  }

  end(
    siteId: string,
    authority: EndAuthority,
    revoke: boolean,
  ): Promise<Answered<Ended | undefined>> {
    return this.#alone(async () => {
      const site = this.#site(siteId)
      const found =
        authority.kind === 'access'
          ? await this.#live(site)
          : await this.#authentic(site, authority.cookie)
      if (!found.ok) return undefined
      await this.#drop(site, found.value, revoke, 'signed_out')
      return { idToken: found.value.provider.idToken }
    })
  }

  /** The session is over whatever happens: nothing of it stays. */
  override async alarm(): Promise<void> {
    await this.#mutex.run(async () => {
      const site = configurationOf(this.env).sites.find(({ id }) => id === this.#storage.site)
      const record = site === undefined ? undefined : await this.#storage.load(site)
      const now = secondsNow()
      if (site !== undefined && record !== undefined && endOf(record, site, now) === undefined) {
        await this.ctx.storage.setAlarm(refreshBy(record, site) * 1000)
        return
      }
      await this.#storage.clear()
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<Answered<T>> {
    return answered(() => this.#mutex.run(work))
  }

  async #live(site: Site): Promise<Result<SessionRecord>> {
    const record = await this.#storage.load(site)
    if (record === undefined) return deny({ reason: 'session_unknown' })
    const over: Denial | undefined = endOf(record, site, secondsNow())
    if (over === undefined) return accept(record)
    await this.#storage.clear()
    return deny(over)
  }

  async #authentic(site: Site, cookie: RefreshCookie): Promise<Result<SessionRecord>> {
    const found = await this.#live(site)
    if (!found.ok) return found
    const authentic = await isAuthentic(cookie, keyOf(found.value))
    // A guess ends nothing: the session id is no secret, and anyone may know it.
    return authentic ? found : deny({ reason: 'refresh_cookie_unknown' })
  }

  /** A session for which its cookie is enough. */
  async #unbound(site: Site, cookie: RefreshCookie): Promise<Result<SessionRecord>> {
    const found = await this.#authentic(site, cookie)
    if (!found.ok) return found
    // Neither good nor evidence of theft: browsers send it alone where they did not get to prove anything.
    // attack: cookies-on-another-device
    if (found.value.binding !== undefined) return deny({ reason: 'device_proof_missing' })
    // attack: unbound-session
    return site.session.deviceBound === 'require'
      ? deny({ reason: 'device_binding_missing' })
      : found
  }

  async #refreshAtProvider(site: Site, record: SessionRecord): Promise<Result<unknown>> {
    const { refreshToken } = record.provider
    const refreshed = await this.#provider.refresh(site, record, (sent, tokens) =>
      this.#mutex.run(() => this.#keep(site, sent, tokens)),
    )
    if (refreshed.ok) return refreshed
    const { reason } = refreshed.denial
    consoleLog('warn', 'session.refresh_denied', { site: site.id, reason })
    await this.#mutex.run(() => this.#dropAfter(site, refreshToken, reason))
    return refreshed
  }

  /** Before anyone is answered: the provider has spent the old token. */
  async #keep(site: Site, sent: string, refreshed: Refreshed): Promise<void> {
    const record = await this.#storage.load(site)
    if (record?.provider.refreshToken === sent) {
      await this.#storage.store(site, withRefreshed(record, refreshed, secondsNow()))
      return
    }
    // Signed out meanwhile: what came is nobody's.
    this.#provider.revokeLater(site, refreshed.tokens.refreshToken)
  }

  /** Ends the session whose token was refused, unless it has another by now. */
  async #dropAfter(site: Site, refused: string | undefined, reason: string): Promise<void> {
    const record = await this.#storage.load(site)
    if (record === undefined || record.provider.refreshToken !== refused) return
    await this.#drop(site, record, reason !== 'grant_revoked', reason)
  }

  /** The authority's own word: a renewal is rare, and what renews lives long. */
  async #isRevoked(site: Site, { identity }: SessionRecord): Promise<boolean> {
    const { names, issuedAt } = namesOfSession(site.id, providerOf(site).clientId, identity)
    const befores = await askAuthority(this.env, names)
    return befores.some((before) => ends(before, issuedAt))
  }

  /** Ends the session, and with a mark the access cookies that it handed out. */
  async #drop(site: Site, record: SessionRecord, revoke: boolean, reason: string): Promise<void> {
    const target = { kind: 'session', id: record.identity.sessionId } as const
    const mark = { ...markOn(site, target, { before: forever, reason, by: 'session' }) }
    // Its object is gone then: only access cookies are left to be ended.
    const keepFor = site.session.access
    await tellAuthority(this.env, { ...mark, edgeFor: keepFor, keepFor }).catch(() =>
      consoleLog('error', 'session.mark_not_set', { site: site.id, session: target.id }),
    )
    await this.#storage.clear()
    this.#provider.forget()
    this.#tellDevices(site, record, (devices, id) => devices.remove(id))
    if (revoke) this.#provider.revokeLater(site, record.provider.refreshToken)
  }

  #site(id: string): Site {
    const site = configurationOf(this.env).sites.find((candidate) => candidate.id === id)
    if (site === undefined) throw new Fault('configuration', `there is no site ${id}`)
    return site
  }
}

async function handout(site: Site, record: SessionRecord, number: number): Promise<Handout> {
  return {
    identity: record.identity,
    refreshCookie: await formatRefreshCookie(record.identity.sessionId, number, keyOf(record)),
    refreshBy: refreshBy(record, site),
  }
}

function loginOf({ claims }: SignedIn) {
  const { iss: issuer, sub: subject, sid } = claims
  return { issuer, subject, providerSession: typeof sid === 'string' ? sid : undefined }
}

function keyOf(record: SessionRecord): Uint8Array<ArrayBuffer> {
  const key = decodeBase64url(record.cookieKey)
  if (key === undefined) throw new Fault('storage_failed', 'a stored cookie key cannot be read')
  return key
}
