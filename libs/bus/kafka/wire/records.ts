import type { Chunk } from '../../partition-worker.ts'
import { toChunk } from '../../record-columns.ts'
import type { LogBatch } from './batch-decoder.ts'

/** The fetched batches as chunks, one a batch, from an offset on: a fetch brings whole batches. */
export const toChunks = (batches: readonly LogBatch[], fromOffset: number, more: boolean): Chunk[] =>
  batches.map(({ columns, from, to }, i) => {
    const { offsets } = columns
    let first = from
    while (first < to && offsets[first]! < fromOffset) first++
    return { ...toChunk(columns, first, to, to === offsets.length), more: more || i < batches.length - 1 }
  })
