import { Packr } from 'msgpackr'
import { createZone } from '#libs/time/time-zone.ts'
import { replay } from '../../services/scoring/core/account/replay.ts'
import { decodeState, encodeState } from '../../services/scoring/core/codec/state-codec.ts'
import { compileModel } from '../../services/scoring/core/models/model.ts'
import type { AccountState } from '../../services/scoring/core/state/state.ts'
import { loadDefaultModel } from '../../services/scoring/models/model-document.ts'
import type { Figure, Run } from './bench-run.ts'
import { history, NOW } from './evaluate.ts'

const PASSES = 20

type Codec = { readonly encode: (state: AccountState) => Buffer; readonly decode: (bytes: Buffer) => unknown }

/** As after an ordinary event: the bytes of the rare sections are kept from the last encoding. */
const own: Codec = { encode: (state) => encodeState(state), decode: decodeState }

/** Shared structures: the names of the members are written once for all states. */
const msgpackr = (): Codec => {
  const packr = new Packr({ structures: [], useRecords: true })
  return {
    encode: ({ memo, ...state }) => packr.pack(state),
    decode: (bytes) => packr.unpack(bytes),
  }
}

/** The state of one account of 50 users, encoded and decoded. */
const measure = (bench: string, { encode, decode }: Codec, run: Run): Figure => {
  const { state } = replay(history(), { model: compileModel(loadDefaultModel()), zone: createZone('UTC') }, NOW)
  const each = Math.ceil(run.sizes.evaluations / PASSES)
  let bytes = encode(state)
  let best = Number.POSITIVE_INFINITY
  for (let pass = 0; pass < PASSES; pass++) {
    const startedAt = performance.now()
    for (let i = 0; i < each; i++) {
      bytes = encode(state)
      decode(bytes)
    }
    best = Math.min(best, performance.now() - startedAt)
  }
  return { bench, eachUs: (best * 1_000) / each, mbPerMillion: bytes.length }
}

export const codec = async (run: Run): Promise<Figure> => measure('codec', own, run)
export const codecByMsgpackr = async (run: Run): Promise<Figure> => measure('codec-msgpackr', msgpackr(), run)
