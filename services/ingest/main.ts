import { runMain } from '#libs/app/main.ts'
import { ingest } from './service.ts'

await runMain([ingest], { defaultPort: 8081 })
