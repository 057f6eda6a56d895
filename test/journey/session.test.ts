import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, it } from 'vitest'

import { journey } from '../browser/journey.ts'
import {
  call,
  callAtOnce,
  cookieNames,
  me,
  newPerson,
  outliveAccessCookie,
  ownCookies,
  ownPost,
  refusal,
  seesNobodyHere,
  seesWhoIsHere,
  signIn,
} from './person.ts'
import { aWorld } from './world.ts'
