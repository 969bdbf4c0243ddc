import pg from 'pg'
import { endConnections, MENDED_WITHIN_MS, nothingWrong, type Target, type Victim } from './victim.ts'

const connect = async ({ database }: Target) => {
  if (!database) throw new Error('the server is not the run’s own')
  const { url, role, password } = await database()
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return { client, role, password }
}

/** The role gets another password, and has no connection any more; the old one comes back. */
export const changedPassword: Victim = {
  name: 'changed password',
  modes: ['embedded', 'kafka'],
  lastsMs: 20_000,
  goesOnWithinMs: MENDED_WITHIN_MS,
  strike: async (target) => {
    const { client, role, password } = await connect(target)
    await client.query(`alter role ${role} password 'another'`)
    await endConnections(client, role)
    return async () => {
      await client.query(`alter role ${role} password '${password}'`)
      await client.end()
      return nothingWrong()
    }
  },
}

const CUT_EVERY_MS = 700

/**
 * The role gets time-outs of a millisecond. Pulso's pools set their own on each connection, so that
 * these hit what runs before and beside that: the first statement of a connection, listeners and
 * migrations. Statements under way are therefore cut too, by ending connections again and again.
 */
export const tinyTimeouts: Victim = {
  name: 'tiny time-outs',
  modes: ['embedded', 'kafka'],
  lastsMs: 10_000,
  goesOnWithinMs: MENDED_WITHIN_MS,
  strike: async (target) => {
    const { client, role } = await connect(target)
    const names = ['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']
    // This connection keeps its own.
    for (const name of names) await client.query(`alter role ${role} set ${name} = '1ms'`)
    const cut = setInterval(() => void endConnections(client, role).catch(() => {}), CUT_EVERY_MS)
    return async () => {
      clearInterval(cut)
      for (const name of names) await client.query(`alter role ${role} reset ${name}`)
      await endConnections(client, role)
      await client.end()
      return nothingWrong()
    }
  },
}

/** A migration by hand, or a `vacuum full`: nobody else gets at accounts, in either service. */
export const lockedTables: Victim = {
  name: 'locked tables',
  modes: ['embedded', 'kafka'],
  lastsMs: 20_000,
  goesOnWithinMs: MENDED_WITHIN_MS,
  strike: async (target) => {
    const { client } = await connect(target)
    await client.query('begin')
    await client.query('lock table scoring.account, alerting.account in access exclusive mode')
    return async () => {
      await client.query('rollback')
      await client.end()
      return nothingWrong()
    }
  },
}
