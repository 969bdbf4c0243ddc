import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib'

/**
 * A cluster holds four nearly equal databases of 7 MB each: a window beyond one of them packs the
 * others to nearly nothing.
 */
const WINDOW_LOG = 26
const PACK = {
  [constants.ZSTD_c_compressionLevel]: 19,
  [constants.ZSTD_c_windowLog]: WINDOW_LOG,
  [constants.ZSTD_c_enableLongDistanceMatching]: 1,
}
const UNPACK = { [constants.ZSTD_d_windowLogMax]: WINDOW_LOG }

const ended = async (child: ReturnType<typeof spawn>): Promise<void> => {
  const [code] = await once(child, 'close')
  if (code !== 0) throw new Error(`tar ended with ${code}`)
}

/** The folder without `exclude`, as a tar in zstd. Owners and times are left out. */
export const packFolder = async (folder: string, file: string, exclude: readonly string[]): Promise<void> => {
  const neutral = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner']
  const args = ['-C', folder, ...neutral, ...exclude.map((path) => `--exclude=${path}`), '-cf', '-', '.']
  const tar = spawn('tar', args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const packed = pipeline(tar.stdout!, createZstdCompress({ params: PACK }), createWriteStream(file))
  await Promise.all([ended(tar), packed])
}

/**
 * The files of that tar in a folder, owned by this user. By way of a file: tar stops reading a pipe
 * before its end.
 */
export const unpackFolder = async (file: string, folder: string): Promise<void> => {
  await mkdir(folder, { recursive: true })
  const unpacked = join(folder, 'unpacked.tar')
  await pipeline(createReadStream(file), createZstdDecompress({ params: UNPACK }), createWriteStream(unpacked))
  await ended(
    spawn('tar', ['-C', folder, '--no-same-owner', '-xf', unpacked], { stdio: ['ignore', 'inherit', 'inherit'] }),
  )
  await rm(unpacked)
}
