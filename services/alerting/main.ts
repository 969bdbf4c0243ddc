import { runMain } from '#libs/app/main.ts'
import { alerting } from './service.ts'

await runMain([alerting], { defaultPort: 8083 })
