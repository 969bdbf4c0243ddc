import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import packageJson from '../../../package.json' with { type: 'json' }

export type SpawnedProcess = {
  readonly child: ChildProcess
  /** Everything it has written so far, both streams. */
  readonly output: () => string
  /**
   * Resolves with what matched, as soon as the output does; rejects when the process ends first.
   */
  readonly printed: (pattern: RegExp) => Promise<RegExpExecArray>
  /** Exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>
}

const ROOT = new URL('../../..', import.meta.url).pathname

/**
 * The words of the npm script that runs this file with node, with what it sets in front; none for a
 * file that no script runs.
 */
const wordsOf = (file: string): readonly string[] =>
  Object.values(packageJson.scripts)
    .map((script) => script.split(' '))
    .find((words) => words.includes('node') && words.at(-1) === file) ?? ['node', file]

/** What that script gives to node. */
export const flagsOf = (file: string): readonly string[] => {
  const words = wordsOf(file)
  return words.slice(words.indexOf('node') + 1, -1)
}

const settingsOf = (file: string): Readonly<Record<string, string>> => {
  const words = wordsOf(file)
  const settings = words.slice(0, words.indexOf('node')).filter((word) => word.includes('='))
  return Object.fromEntries(settings.map((word) => word.split('=', 2)))
}

type SpawnOptions = {
  readonly args?: readonly string[]
  /** Another checkout of the project. */
  readonly root?: string
}

/**
 * Runs one of the project's programs as a process of its own, as its npm script does, with no
 * configuration but `environment`.
 */
export const spawnProcess = (
  file: string,
  environment: Readonly<Record<string, string>> = {},
  { args = [], root = ROOT }: SpawnOptions = {},
): SpawnedProcess =>
  spawnCommand([process.execPath, ...flagsOf(file), file, ...args], { ...settingsOf(file), ...environment }, root)

/** Runs a command in the project's folder, or in that of another checkout. */
export const spawnCommand = (
  [command, ...args]: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd = ROOT,
): SpawnedProcess => {
  const child = spawn(command!, args, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: process.env.HOME ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  const watchers = new Set<() => void>()
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString('utf8')
      for (const watch of watchers) watch()
    })
  const ended = once(child, 'close').then(([code, signal]) => (code ?? signal) as number | NodeJS.Signals)
  const printed = (pattern: RegExp): Promise<RegExpExecArray> =>
    new Promise((resolve, reject) => {
      const watch = (): void => {
        const match = pattern.exec(output)
        if (!match) return
        watchers.delete(watch)
        resolve(match)
      }
      watchers.add(watch)
      watch()
      void ended.then((how) => reject(new Error(`ended with ${how} before it printed ${pattern}:\n${output}`)))
    })
  return { child, output: () => output, printed, ended }
}
