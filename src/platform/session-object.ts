/**
 * One object per session: its single writer. Everything runs one after another, so that twenty tabs cost the
 * provider one refresh: who waits finds the result of who came first. See `session/sessions.ts` for what is
 * promised, `docs/storage.md` for what is kept.
 */
import { DurableObject } from 'cloudflare:workers'
import { decodeBase64url } from '../base64url.ts'
import type { Provider, Site } from '../config/config.ts'
import { accept, type Denial, deny, type Result } from '../denial.ts'
import { Fault } from '../fault.ts'
import { providerOf } from '../oidc/client.ts'
import { revokeRefreshToken } from '../oidc/end-session.ts'
import type { OidcParties, Refreshed, SignedIn } from '../oidc/tokens.ts'
import {
  formatRefreshCookie,
  isAuthentic,
  type RefreshCookie,
  type SessionId,
} from '../session/refresh-cookie.ts'
import { ends, forever, markOn } from '../revocation/mark.ts'
import { namesOfLogin, namesOfSession } from '../revocation/names.ts'
import { atRest } from '../seal.ts'
import { present, startRotation } from '../session/rotation.ts'
import {
  endOf,
  type Identity,
  isProviderRefreshDue,
  isProviderTokenGood,
  refreshBy,
  type SessionRecord,
  startSession,
  withRefreshed,
} from '../session/session.ts'
import type { EndAuthority, Ended, Handout } from '../session/sessions.ts'
import { answered, type Answered } from './answered.ts'
import { secondsNow } from './clock.ts'
import { configurationOf } from './configuration.ts'
import { consoleLog } from './console-log.ts'
import type { Environment } from './environment.ts'
import { IssuerDocuments } from './issuer-documents.ts'
import type { DeviceObject } from './device-object.ts'
import { askDeviceList } from './devices.ts'
import { Mutex } from './mutex.ts'
import { outbound } from './outbound.ts'
import { ProviderRefresh } from './provider-refresh.ts'
import { randomText } from './random.ts'
import { sealOf } from './seal-keys.ts'
import { Late, within } from './within.ts'
import { askAuthority, tellAuthority } from './denylist-authority.ts'

/** What storage holds: the record sealed, and which site's key opens it. */
interface Stored {
  readonly site: string
  readonly sealed: string
}

export class SessionObject extends DurableObject<Environment> {
  readonly #mutex = new Mutex()
  readonly #directory = new IssuerDocuments(this.env)
  readonly #refresh = new ProviderRefresh(this.ctx.storage.kv)

  create(
    siteId: string,
    sessionId: SessionId,
    signedIn: SignedIn,
    userinfo: Readonly<Record<string, unknown>>,
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
      )
      await this.#store(site, record)
      return accept(await handout(site, record, 0))
    })
  }

  async renew(siteId: string, cookie: RefreshCookie): Promise<Answered<Result<Handout>>> {
    return answered(async () => {
      const site = this.#site(siteId)
      const found = await this.#mutex.run(() => this.#renewable(site, cookie))
      if (!found.ok) return found
      // Not alone: whoever comes meanwhile waits for the same refresh, and signing out waits for none.
      const refreshed = await this.#refreshAtProvider(site, found.value)
      if (!refreshed.ok) return refreshed
      return this.#mutex.run(() => this.#rotate(site, cookie))
    })
  }

  /** The record that a cookie may renew; a copy of a superseded one, or a mark, ends the session. */
  async #renewable(site: Site, cookie: RefreshCookie): Promise<Result<SessionRecord>> {
    const found = await this.#authentic(site, cookie)
    if (!found.ok) return found
    const { rotation } = found.value
    const presented = present(rotation, cookie.number, secondsNow(), site.session.grace)
    if (presented.kind === 'reused') {
      consoleLog('warn', 'session.refresh_cookie_reused', {
        site: site.id,
        session: cookie.sessionId,
      })
      await this.#drop(site, found.value, true, 'refresh_cookie_reused')
      return deny({ reason: 'refresh_cookie_reused' })
    }
    if (!(await this.#isRevoked(site, found.value))) return found
    await this.#drop(site, found.value, true, 'revoked')
    return deny({ reason: 'session_revoked' })
  }

  /** Hands out the next cookie: on the record as it is now, whatever happened since it was looked at. */
  async #rotate(site: Site, cookie: RefreshCookie): Promise<Result<Handout>> {
    const found = await this.#authentic(site, cookie)
    if (!found.ok) return found
    const now = secondsNow()
    const presented = present(found.value.rotation, cookie.number, now, site.session.grace)
    if (presented.kind === 'reused') return deny({ reason: 'refresh_cookie_reused' })
    const record = { ...found.value, rotation: presented.rotation, renewedAt: now }
    await this.#store(site, record)
    this.#tellDevices(site, record, (devices, id) =>
      devices.touch(id, now, refreshBy(record, site)),
    )
    return accept(await handout(site, record, presented.handOut))
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
      const found = await this.#authentic(site, cookie)
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
      const record = await this.#load(site)
      return record === undefined || endOf(record, site, secondsNow()) !== undefined
        ? undefined
        : record.identity
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
      const stored = this.ctx.storage.kv.get<Stored>('session')
      const site = configurationOf(this.env).sites.find(({ id }) => id === stored?.site)
      const record = site === undefined ? undefined : await this.#load(site)
      const now = secondsNow()
      if (site !== undefined && record !== undefined && endOf(record, site, now) === undefined) {
        await this.ctx.storage.setAlarm(refreshBy(record, site) * 1000)
        return
      }
      await this.ctx.storage.deleteAll()
    })
  }

  #alone<T>(work: () => Promise<T>): Promise<Answered<T>> {
    return answered(() => this.#mutex.run(work))
  }

  async #live(site: Site): Promise<Result<SessionRecord>> {
    const record = await this.#load(site)
    if (record === undefined) return deny({ reason: 'session_unknown' })
    const over: Denial | undefined = endOf(record, site, secondsNow())
    if (over === undefined) return accept(record)
    await this.ctx.storage.deleteAll()
    return deny(over)
  }

  async #authentic(site: Site, cookie: RefreshCookie): Promise<Result<SessionRecord>> {
    const found = await this.#live(site)
    if (!found.ok) return found
    const authentic = await isAuthentic(cookie, keyOf(found.value))
    // A guess ends nothing: the session id is no secret, and anyone may know it.
    return authentic ? found : deny({ reason: 'refresh_cookie_unknown' })
  }

  /**
   * Has the provider asked, where that is due. A provider that is down, or slower than people wait, ends nothing while
   * its last token holds; what it answers later is kept all the same.
   */
  async #refreshAtProvider(site: Site, record: SessionRecord): Promise<Result<true>> {
    const { refreshToken } = record.provider
    const now = secondsNow()
    if (refreshToken === undefined || !isProviderRefreshDue(record, site, now)) return accept(true)
    try {
      const refreshed = await patiently(
        providerOf(site),
        this.#refresh.run(
          site,
          record,
          refreshToken,
          () => this.#parties(site),
          (tokens) => this.#mutex.run(() => this.#keep(site, refreshToken, tokens)),
        ),
      )
      if (refreshed.ok) return accept(true)
      const { reason } = refreshed.denial
      consoleLog('warn', 'session.refresh_denied', { site: site.id, reason })
      await this.#mutex.run(() => this.#dropAfter(site, refreshToken, reason))
      return refreshed
    } catch (error) {
      if (!(error instanceof Fault) || !isProviderTokenGood(record, now)) throw error
      consoleLog('error', 'session.refresh_failed', {
        site: site.id,
        kind: error.kind,
        detail: error.message,
      })
      return accept(true)
    }
  }

  /** Before anyone is answered: the provider has spent the old token. */
  async #keep(site: Site, sent: string, refreshed: Refreshed): Promise<void> {
    const record = await this.#load(site)
    if (record?.provider.refreshToken === sent) {
      await this.#store(site, withRefreshed(record, refreshed, secondsNow()))
      return
    }
    // Signed out meanwhile: what came is nobody's.
    const { refreshToken } = refreshed.tokens
    if (refreshToken !== undefined) this.#revokeLater(site, refreshToken)
  }

  /** Ends the session whose token was refused, unless it has another by now. */
  async #dropAfter(site: Site, refused: string, reason: string): Promise<void> {
    const record = await this.#load(site)
    if (record?.provider.refreshToken !== refused) return
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
    await this.ctx.storage.deleteAll()
    this.#tellDevices(site, record, (devices, id) => devices.remove(id))
    const { refreshToken } = record.provider
    if (!revoke || refreshToken === undefined) return
    this.#revokeLater(site, refreshToken)
  }

  /** Nobody waits for it: here the session has ended already. */
  #revokeLater(site: Site, refreshToken: string): void {
    this.ctx.waitUntil(
      this.#parties(site)
        .then((parties) => revokeRefreshToken(parties, refreshToken))
        .catch((error: unknown) => {
          const kind = error instanceof Fault ? error.kind : 'internal'
          consoleLog('warn', 'session.revocation_failed', { site: site.id, kind })
        }),
    )
  }

  async #parties(site: Site): Promise<OidcParties> {
    const provider = providerOf(site)
    const metadata = await this.#directory.metadata(provider)
    return { provider, metadata, directory: this.#directory, outbound }
  }

  async #load(site: Site): Promise<SessionRecord | undefined> {
    const stored = this.ctx.storage.kv.get<Stored>('session')
    // attack: session-of-another-site
    if (stored === undefined || stored.site !== site.id) return undefined
    const seal = await sealOf(this.env)
    const opened = await seal.open(site.id, 'session', stored.sealed, secondsNow())
    return opened.ok ? (opened.value as SessionRecord) : undefined
  }

  async #store(site: Site, record: SessionRecord): Promise<void> {
    const seal = await sealOf(this.env)
    const stored: Stored = {
      site: site.id,
      sealed: await seal.seal(site.id, 'session', record, atRest),
    }
    this.ctx.storage.kv.put('session', stored)
    await this.ctx.storage.setAlarm(refreshBy(record, site) * 1000)
  }

  #site(id: string): Site {
    const site = configurationOf(this.env).sites.find((candidate) => candidate.id === id)
    if (site === undefined) throw new Fault('configuration', `there is no site ${id}`)
    return site
  }
}

/** As long as the configuration wants people to wait for the provider; the work goes on. */
async function patiently<T>({ timeout }: Pick<Provider, 'timeout'>, work: Promise<T>): Promise<T> {
  return within(timeout * 1000, work).catch((error: unknown) => {
    if (!(error instanceof Late)) throw error
    throw new Fault('provider_slow', `no answer to a refresh in ${timeout} s`)
  })
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
