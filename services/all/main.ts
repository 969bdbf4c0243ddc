import { runMain } from '#libs/app/main.ts'
import { services } from './services.ts'

await runMain(services, { defaultPort: 8080 })
