import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const KAFKA_VERSION = '4.1.0'
const run = promisify(execFile)

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>pulso.test</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
`

/**
 * Folder of the broker's jars, resolved once by Maven into the user's cache. Undefined without Java
 * and Maven.
 */
export const kafkaJars = async (): Promise<string | undefined> => {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'pulso-test')
  const jars = join(cache, `kafka-${KAFKA_VERSION}`)
  try {
    await run('java', ['-version'])
    if (await stat(jars).catch(() => undefined)) return jars
    await run('mvn', ['-v'])
  } catch {
    return undefined
  }
  await mkdir(cache, { recursive: true })
  const work = await mkdtemp(join(cache, 'resolving-'))
  try {
    await writeFile(join(work, 'pom.xml'), POM)
    await run('mvn', ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=jars'], { cwd: work })
    // Two runs may resolve at once: the rename of the slower one fails, and the folder is there all
    // the same.
    await rename(join(work, 'jars'), jars).catch(() => undefined)
    return jars
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
