import { createDatabase } from '#libs/postgres/pg-database.ts'
import { silentLogger } from '#libs/runtime/logger.ts'
import { startDeliverer } from '../webhooks/deliveries.ts'

/**
 * A deliverer in a process of its own, to be killed: `node delivery-member.ts <connection string>`.
 */
const database = createDatabase({ connectionString: process.argv[2]!, logger: silentLogger })
await database.start()
await startDeliverer({ database })
process.stdin.resume().on('end', () => process.exit(0))
