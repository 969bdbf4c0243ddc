import { z } from 'zod'
import { deadLetterContract, deadTopicOf, TOPICS, type TopicContract } from '#libs/contracts/topics.ts'

type Json = Record<string, unknown>

const DEAD_LETTER = 'deadLetter'

/** Names of AsyncAPI maps hold no dots. */
const idOf = (topic: string): string => topic.replaceAll('.', '_')

const jsonSchemaOf = (schema: z.ZodType): Json => {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-7' }) as Json
  return rest
}

const channelOf = (topic: string, contract: TopicContract): Json => ({
  address: topic,
  summary: contract.summary,
  messages: { [idOf(topic)]: { $ref: `#/components/messages/${idOf(topic)}` } },
  bindings: { kafka: { topic, partitions: contract.partitions, bindingVersion: '0.5.0' } },
})

const deadChannelOf = (topic: string): Json => ({
  address: deadTopicOf(topic),
  summary: `What could not be processed of ${topic}`,
  messages: { [DEAD_LETTER]: { $ref: `#/components/messages/${DEAD_LETTER}` } },
  bindings: { kafka: { topic: deadTopicOf(topic), partitions: 1, bindingVersion: '0.5.0' } },
})

const messageOf = (topic: string, contract: TopicContract): Json => ({
  name: topic,
  summary: contract.summary,
  contentType: 'application/json',
  bindings: { kafka: { key: { type: 'string', description: contract.key }, bindingVersion: '0.5.0' } },
  headers: jsonSchemaOf(contract.headers),
  payload: jsonSchemaOf(contract.schema),
})

const operationsOf = (topic: string, contract: TopicContract): [string, Json][] => {
  const operation = (who: string, action: 'send' | 'receive'): [string, Json] => [
    idOf(`${who.replaceAll(' ', '_')}_${action}_${topic}`),
    { action, summary: `${who} ${action}s ${topic}`, channel: { $ref: `#/channels/${idOf(topic)}` } },
  ]
  return [
    ...contract.writtenBy.map((who) => operation(who, 'send')),
    ...contract.readBy.map((who) => operation(who, 'receive')),
  ]
}

/** The topics and their messages as AsyncAPI 3, from the contracts that check the services. */
export const asyncApiDocument = (version: string): Json => {
  const topics = Object.entries(TOPICS)
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Pulso events',
      version,
      description: 'Every topic that Pulso’s services meet on. Product backends may write usage.events themselves.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      topics.flatMap(([topic, contract]) => [
        [idOf(topic), channelOf(topic, contract)],
        [idOf(deadTopicOf(topic)), deadChannelOf(topic)],
      ]),
    ),
    operations: Object.fromEntries(topics.flatMap(([topic, contract]) => operationsOf(topic, contract))),
    components: {
      messages: {
        ...Object.fromEntries(topics.map(([topic, contract]) => [idOf(topic), messageOf(topic, contract)])),
        [DEAD_LETTER]: {
          name: DEAD_LETTER,
          summary: deadLetterContract.summary,
          contentType: 'application/octet-stream',
          headers: jsonSchemaOf(deadLetterContract.schema),
          payload: { type: 'string', format: 'binary' },
        },
      },
    },
  }
}
