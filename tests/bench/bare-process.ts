import { createKafkaClient } from '#libs/bus/kafka/client.ts'
import { silentLogger } from '#libs/runtime/logger.ts'

// The least that any consumer in this language does: kafkajs' eachBatch and JSON.parse, positions
// committed about once a second.
const [brokers = '', topic = '', count = '0'] = process.argv.slice(2)
const wanted = Number(count)
const kafka = createKafkaClient({ brokers: brokers.split(','), clientId: 'bare' }, silentLogger, () => {})
const consumer = kafka.consumer({ groupId: `bare-${process.pid}` })
let read = 0
let startedAt = 0
let skipped = 0
let cpuBefore = process.cpuUsage()

await consumer.connect()
await consumer.subscribe({ topics: [topic], fromBeginning: true })
await consumer.run({
  autoCommitInterval: 1_000,
  eachBatch: async ({ batch }) => {
    if (read >= wanted) return
    let parsed = 0
    for (const message of batch.messages) if (JSON.parse(message.value!.toString()).accountId) parsed++
    read += parsed
    if (startedAt === 0) {
      startedAt = performance.now()
      skipped = read
      cpuBefore = process.cpuUsage()
    }
    if (read < wanted) return
    const perSecond = ((read - skipped) * 1_000) / (performance.now() - startedAt)
    const { user, system } = process.cpuUsage(cpuBefore)
    process.stdout.write(`${JSON.stringify({ perSecond, cpuSecondsPerMillion: (user + system) / (read - skipped) })}\n`)
  },
})
