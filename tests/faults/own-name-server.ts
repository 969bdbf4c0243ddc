import names from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'

// Preloaded into a process of the product, which takes the system's name servers: those are of no
// use to a test, and not its to hurt.
const server = process.env.NAME_SERVER
const System = names.Resolver
names.Resolver = class extends System {
  constructor(...options: ConstructorParameters<typeof System>) {
    super(...options)
    if (server) this.setServers([server])
  }
}
syncBuiltinESMExports()
