import { startTestKafka, type TestKafka } from '../support/kafka/kafka.ts'
import { spawnProcess } from '../support/processes/spawn-process.ts'
import { FILLED_PREFIX, type Figure, type Run, type Sizes, withCleanup } from './bench-run.ts'
import { fillLog } from './fill-log.ts'
import { startKafkaBus } from './parts.ts'

/**
 * Room for the broker's own compiler and heap: a broker held small would flatter whoever is
 * compared with it.
 */
const JAVA_OPTIONS = ['-Xms512m', '-Xmx1g', '-XX:+UseG1GC']

const once = <T>(make: () => Promise<T>): (() => Promise<T>) => {
  let made: Promise<T> | undefined
  return () => {
    made ??= make()
    return made
  }
}

type BareLoop = { readonly perSecond: number; readonly cpuSecondsPerMillion: number }

type RunOptions = {
  readonly sizes: Sizes
  readonly profiles: string | undefined
  readonly defer: (undo: () => Promise<unknown>) => void
}

/** What the figures of one run share, each made when the first figure asks for it. */
export const createRun = ({ sizes, profiles, defer }: RunOptions): Run => {
  const kafka = once(async (): Promise<TestKafka> => {
    const started = await startTestKafka({ javaOptions: JAVA_OPTIONS })
    if ('unavailable' in started) throw new Error(`no Kafka for the benchmarks: ${started.unavailable}`)
    defer(started.stop)
    return started
  })
  const filledKafka = once(async () => {
    const { brokers } = await kafka()
    await withCleanup(async (deferBus) =>
      fillLog(await startKafkaBus(deferBus, brokers, FILLED_PREFIX), sizes.scoringEvents),
    )
    return brokers
  })
  const bareLoop = async (brokers: string): Promise<BareLoop> =>
    withCleanup(async (deferLoop) => {
      const args = [brokers, `${FILLED_PREFIX}usage.events`, String(sizes.scoringEvents)]
      const loop = spawnProcess('tests/bench/bare-process.ts', {}, { args })
      deferLoop(async () => {
        loop.child.kill('SIGKILL')
        await loop.ended
      })
      const [line] = await loop.printed(/{"perSecond":.*}/)
      return JSON.parse(line) as BareLoop
    })
  const bare = once(async (): Promise<Figure> => {
    const brokers = await filledKafka()
    let best: BareLoop = { perSecond: 0, cpuSecondsPerMillion: 0 }
    for (let round = 0; round < sizes.rounds; round++) {
      const loop = await bareLoop(brokers)
      if (loop.perSecond > best.perSecond) best = loop
    }
    return {
      bench: 'bare',
      bus: 'kafka',
      events: sizes.scoringEvents,
      perSecond: Math.round(best.perSecond),
      ratio: 1,
      cpuSecondsPerMillion: Math.round(best.cpuSecondsPerMillion * 10) / 10,
    }
  })
  return { sizes, profiles, kafka, filledKafka, bare }
}
