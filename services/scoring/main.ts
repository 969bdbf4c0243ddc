import { runMain } from '#libs/app/main.ts'
import { scoring } from './service.ts'

await runMain([scoring], { defaultPort: 8082 })
