import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startTestKafka } from '../kafka/kafka.ts'

/**
 * A door on loopback by which the test workers ask the run's main process for a server that takes
 * long to start: only a run that needs Kafka pays for it.
 */
export const openBackendsDoor = async (): Promise<{ url: string; close: () => Promise<void> }> => {
  let kafka: ReturnType<typeof startTestKafka> | undefined
  const server = createServer(async (request, response) => {
    if (request.url !== '/kafka') return void response.writeHead(404).end()
    kafka ??= startTestKafka().then((started) => {
      if ('unavailable' in started) process.stderr.write(`Suites that need Kafka are skipped: ${started.unavailable}\n`)
      return started
    })
    const answer = await kafka.catch((error: Error) => ({ failed: error.message }))
    response.end(JSON.stringify('brokers' in answer ? { brokers: answer.brokers } : answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      server.close()
      const started = await kafka?.catch(() => undefined)
      if (started && 'stop' in started) await started.stop()
    },
  }
}
