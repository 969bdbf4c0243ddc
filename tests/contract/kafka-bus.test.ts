import kafkajs from 'kafkajs'
import { newId } from '#libs/runtime/ids.ts'
import { describeWithKafka, privateKafka } from '../support/kafka/kafka-suite.ts'
import { describeBus } from './bus.contract.ts'

const { Kafka, logLevel } = kafkajs

await describeWithKafka('on Kafka', (brokers) => {
  const prefix = (): string => `${newId()}.`
  describeBus('kafka-bus', {
    freshLog: async () => ({ kind: 'kafka', brokers, topicPrefix: prefix() }),
    createTopic: async (address, topic, partitions) => {
      if (address.kind !== 'kafka') throw new Error('not a Kafka')
      const admin = new Kafka({ brokers: brokers.split(','), logLevel: logLevel.NOTHING }).admin()
      await admin.connect()
      await admin.createTopics({ topics: [{ topic: address.topicPrefix + topic, numPartitions: partitions }] })
      await admin.disconnect()
    },
    ownServer: async () => {
      const kafka = await privateKafka()
      return {
        address: { kind: 'kafka', brokers: kafka.brokers, topicPrefix: prefix() },
        stopServer: kafka.kill,
        startServer: kafka.restart,
        remove: kafka.stop,
      }
    },
  })
})
