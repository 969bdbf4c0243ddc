type Message = { readonly partition?: number }
type Grouping = {
  readonly topic: string
  readonly partitionMetadata: readonly unknown[]
  readonly messages: readonly Message[]
  readonly partitioner: (of: { topic: string; partitionMetadata: readonly unknown[]; message: Message }) => number
}

/** Messages by their partition, in their order; none where the topic's partitions are unknown. */
export const groupByPartition = (grouping: Grouping): Record<number, Message[]> => {
  const { topic, partitionMetadata, messages, partitioner } = grouping
  const groups: Record<number, Message[]> = {}
  if (partitionMetadata.length === 0) return groups
  for (const message of messages) {
    const partition = partitioner({ topic, partitionMetadata, message })
    const group = groups[partition]
    if (group === undefined) groups[partition] = [message]
    else group.push(message)
  }
  return groups
}
