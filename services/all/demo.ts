import { runProgram } from '#libs/app/main.ts'
import { createDemo } from './demo/run-demo.ts'

const write = (line: string): void => void process.stdout.write(`${line}\n`)

await runProgram(await createDemo(process.env, write))
