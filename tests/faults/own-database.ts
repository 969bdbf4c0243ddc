import { randomBytes } from 'node:crypto'
import { withConnection } from '#libs/postgres/pg-database.ts'

export type StruckDatabase = {
  /** Of a superuser. */
  readonly url: string
  /** The role of the processes, its password and its address. */
  readonly role: string
  readonly password: string
  readonly ownUrl: string
}

/** A database whose owner is no superuser, as in production. */
export const ownDatabase = async (serverUrl: string): Promise<StruckDatabase> => {
  const [role, password] = ['app', randomBytes(12).toString('hex')]
  await withConnection(serverUrl, async (client) => {
    await client.query(`create role ${role} login password '${password}'`)
    await client.query(`create database ${role} owner ${role}`)
  })
  const url = new URL(serverUrl)
  url.pathname = `/${role}`
  const own = new URL(url)
  own.username = role
  own.password = password
  return { url: url.toString(), role, password, ownUrl: own.toString() }
}
